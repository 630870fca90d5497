namespace Purser.Sandbox.Ippopay;

// What shoppers and banks do at IppoPay, and where the browser goes.
public sealed partial class IppopayDialect
{
    const string NoMoney = "Insufficient balance", BankTrouble = "The bank did not answer in time";

    /// <summary>The order whose page a shopper sees is the one that is meant from now on.</summary>
    public void Visit(Link link)
    {
        if (link.Reference is { } reference) vault.ByReference[reference] = (IppopayOrder)link;
    }

    /// <summary>A failed try leaves the order payable.</summary>
    public string? Decline(Link link) => Fail((IppopayOrder)link, NoMoney);

    public string? Capture(Link link, long amount)
    {
        if (Start((IppopayOrder)link, amount) is not { } one) return null;
        Complete(one);
        return one.Id;
    }

    public string? Begin(Link link) => Start((IppopayOrder)link, link.Amount)?.Id;

    public string? BeginLate(Link link) => Fail((IppopayOrder)link, BankTrouble);

    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Tries.TryGetValue(moneyId, out var one)) return;
        if (captured) Complete(one);
        else FailTry(one, NoMoney);
    }

    /// <summary>An order has one transaction that is told; a second success could not be.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link) => null;

    /// <summary>An order has no end, and none can be given to it.</summary>
    public void Expire(Link link) { }

    /// <summary>The browser posts what it was told, unsigned. While the bank is silent the page stays, for no word for that is documented.</summary>
    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var order = (IppopayOrder)link;
        lock (order.Gate)
        {
            var one = moneyId is null ? order.Tries.LastOrDefault() : vault.Tries.GetValueOrDefault(moneyId);
            return one is null or { State: "pending" } ? null : Post(order, one, one.State);
        }
    }

    public BrowserReturn? CancelReturn(Link link)
    {
        var order = (IppopayOrder)link;
        lock (order.Gate) return Post(order, order.Tries.LastOrDefault(), "closed");
    }

    BrowserReturn? Post(IppopayOrder order, IppopayTry? one, string status) =>
        order.Back is { } back ? new(back, [new("transaction_no", one?.Id ?? ""), new("status", Word(status))]) : null;

    IppopayTry? Start(IppopayOrder order, long amount)
    {
        lock (order.Gate)
        {
            if (!order.Payable) return null;
            var one = new IppopayTry(world.NextId("trans_", 16), order, order.NextMode, amount, world.Now);
            order.Tries.Add(one);
            vault.Tries[one.Id] = one;
            return one;
        }
    }

    string? Fail(IppopayOrder order, string why)
    {
        if (Start(order, order.Amount) is not { } one) return null;
        FailTry(one, why);
        return one.Id;
    }

    void FailTry(IppopayTry one, string why)
    {
        lock (one.Order.Gate)
        {
            if (one.State != "pending") return;
            (one.State, one.FailureReason, one.UpdatedAt) = ("failure", why, world.Now);
        }
    }

    /// <summary>The bank's yes, now or late. An order that another try has paid meanwhile takes no more.</summary>
    void Complete(IppopayTry one)
    {
        var order = one.Order;
        lock (order.Gate)
        {
            if (order.Paid is not null) return;
            (one.State, one.FailureReason, one.UpdatedAt) = ("success", "", world.Now);
            order.Paid = one;
            order.MoneyIds.Add(one.Id);
            world.Book.Captured(order, one.Id, one.Amount, order.Currency, world.Now);
        }
    }
}
