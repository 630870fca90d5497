using System.Collections.Immutable;
using Npgsql;
using Purser.Orders;
using Purser.Server.Checkout;
using Purser.Server.Deliveries;
using Purser.Server.Invoices;

namespace Purser.Server.Mail;

/// <summary>Writes letters and hands them on. When is the business of deliveries.</summary>
sealed partial class MailSender(
    MailOptions options, IMailLine line, CheckoutStore orders, CheckoutOptions checkout, ShopperLetters shoppers, OperatorLetters operators, MailStore store, InvoiceIssuer invoices,
    InvoicePdf pdf, TimeProvider time, ILogger<MailSender> log)
{
    const string DefaultName = "Purser";
    const string NoLongerSo = "Not sent: it is no longer so.";
    const string TriedAgain = "Not sent yet: the shopper is trying again.";
    const string Gathered = "Not sent by itself: one mail tells of all such of the hour.";
    const int MostNotices = 8;
    static readonly TimeSpan NoticesEvery = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LeaseBeyondTimeOut = TimeSpan.FromSeconds(30);

    public bool IsConfigured => options.IsConfigured;
    public bool ReachesOperators => IsConfigured && options.OperatorAddresses.Count > 0;

    public TimeSpan TimeOut => options.TimeOut;

    public async Task<DeliveryAnswer> Send(LeasedDelivery one, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var told = ToldEvent.Of(one);
        if (await orders.Find(one.Id.Order, stop) is not { } found) return Moot(now, "The order is not there any more.");
        if (one.Kind == ReceiverKind.Shoppers)
        {
            if (found.Order.Customer.Email is not { Length: > 0 } email) return Moot(now, "The order has no mail address.");
            if (told.Type is EventType.PaymentDeclined or EventType.PaymentFailed)
            {
                if (await store.TellsLater(one.Id, stop)) return Moot(now, NoLongerSo);
                if (ShopperLetters.IsTriedAgain(found.Order)) return Moot(now, TriedAgain) with { IsMoot = false, PutOffUntil = now + MailNews.Wait(now - told.At) };
            }
            if (shoppers.Write(found, told) is not var (content, subject)) return Moot(now, NoLongerSo);
            var enclosed = await Enclosed(one.Id.Order, told, MailWords.For(found.Locale ?? options.Locale), stop);
            if (enclosed is not null) content = content with { Words = [.. content.Words, enclosed.Value.Words] };
            return await line.Send(Compose(one.MessageId, [email], subject, content, checkout.MerchantName) with { Enclosure = enclosed?.Enclosure }, stop);
        }
        // Each has a day to be answered by, so it is told of however many there are.
        if (told.Type is EventType.DisputeOpened or EventType.DisputeClosed)
            return operators.Dispute(found.Order, told) is { } dispute ? await SendToOperators(one.MessageId + ".operators", dispute, stop) : Moot(now, NoLongerSo);
        if (operators.Discrepancy(found.Order, one.Id.Sequence, told) is not { } discrepancy) return Moot(now, NoLongerSo);
        return !await store.LetOut(one.Id, now, stop) ? Moot(now, Gathered)
            : await SendToOperators(one.MessageId + ".operators", discrepancy, stop);
    }

    async Task<DeliveryAnswer> SendToOperators(string name, LetterContent content, CancellationToken stop)
    {
        var answer = await line.Send(Compose(name, [.. options.OperatorAddresses], content.Headline, content, null), stop);
        if (answer.HasReachedSome) LogMissed(log, name, answer.Trouble!);
        return answer;
    }

    /// <summary>The invoice or the credit note that goes with the mail. If it is not written yet it is now, whoever was to do it.</summary>
    async Task<(Enclosure Enclosure, string Words)?> Enclosed(OrderId order, ToldEvent told, MailWords words, CancellationToken stop)
    {
        try
        {
            var (document, said) = told.Type switch
            {
                EventType.OrderPaid => (await invoices.Invoice(order, stop), words.InvoiceEnclosed),
                EventType.OrderCancelled when await invoices.Cancellation(order, stop) is { } credit => (credit, number => words.InvoiceCredited(credit.Document.Credit!.Invoice, number)),
                EventType.RefundSucceeded => (await invoices.CreditNote(order, told.Refund!.Value, stop), words.CreditNoteEnclosed),
                _ => (null, words.InvoiceEnclosed),
            };
            return document is null ? null : (new Enclosure($"{document.Number}.pdf", pdf.Draw(document)), said(document.Number));
        }
        catch (Exception bug) when (bug is not (OutOfMemoryException or NpgsqlException))
        {
            // That money came is told all the same; the document stands on the order's page once it can be written and drawn.
            LogUndrawn(log, order, bug);
            return null;
        }
    }

    static DeliveryAnswer Moot(DateTimeOffset now, string why) => new(now, TimeSpan.Zero, null, why, null, null, "") { IsMoot = true };

    /// <summary>Tells operators what is due. A mail server that does not answer holds up nobody but them.</summary>
    public async Task TellOperators(CancellationToken stop)
    {
        if (options.OperatorAddresses.Count == 0 || !IsConfigured) return;
        using var every = new PeriodicTimer(NoticesEvery);
        try
        {
            while (await every.WaitForNextTickAsync(stop))
                try
                {
                    foreach (var notice in await store.TakeNotices(time.GetUtcNow(), options.TimeOut * MostNotices + LeaseBeyondTimeOut, MostNotices, stop)) await Tell(notice, stop);
                }
                catch (NpgsqlException away)
                {
                    LogAway(log, away.Message);
                }
                catch (Exception bug) when (bug is not (OutOfMemoryException or OperationCanceledException))
                {
                    LogFailed(log, bug);
                }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end; what was taken is told when its lease is over.
        }
    }

    async Task Tell(OperatorNotice notice, CancellationToken stop)
    {
        var answer = await Try(notice, stop);
        var now = time.GetUtcNow();
        // After the last wait it waits as long again, without end.
        var next = now + DeliverySchedule.After(Math.Min(notice.Failures + 1, DeliverySchedule.Waits.Count), null)!.Value;
        // One operator who is put off day after day keeps the others from nothing, and brings them no more of the same.
        var ended = answer.IsDelivered || (answer.HasReachedSome && notice.Failures >= DeliverySchedule.Waits.Count);
        await store.Told(notice, ended, answer.Outcome, next, now, stop);
        if (!ended && (answer.IsFinal || notice.Failures >= DeliverySchedule.Waits.Count)) LogUntold(log, notice.About, answer.Outcome);
    }

    async Task<DeliveryAnswer> Try(OperatorNotice notice, CancellationToken stop)
    {
        try
        {
            return operators.Notice(notice) is { } content
                ? await SendToOperators($"notice.{notice.Number}", content, stop)
                : Moot(time.GetUtcNow(), NoLongerSo);
        }
        catch (Exception bug) when (bug is not (OutOfMemoryException or OperationCanceledException))
        {
            // One that nobody can write must not keep those behind it from being told.
            LogFailed(log, bug);
            return new DeliveryAnswer(time.GetUtcNow(), TimeSpan.Zero, null, "It failed for a reason of ours; the server's log says why.", null, null, "");
        }
    }

    Letter Compose(string name, ImmutableArray<string> to, string subject, LetterContent content, string? merchant)
    {
        var shown = merchant ?? DefaultName;
        return new Letter($"<{name}@{options.SenderDomain}>", to, $"{Plain.Line(shown)}: {Plain.Line(subject)}", LetterLayout.Text(content, shown), LetterLayout.Html(content, shown));
    }

    [LoggerMessage(85, LogLevel.Warning, "Notices to operators cannot reach the database: {Why}")]
    static partial void LogAway(ILogger log, string why);

    [LoggerMessage(86, LogLevel.Error, "A notice to operators failed for a reason of ours")]
    static partial void LogFailed(ILogger log, Exception bug);

    [LoggerMessage(88, LogLevel.Error, "The document that goes with a mail about {Order} could not be made; the mail goes without it")]
    static partial void LogUndrawn(ILogger log, OrderId order, Exception bug);

    [LoggerMessage(89, LogLevel.Warning, "Not every operator has the mail {Name}: {Missed}")]
    static partial void LogMissed(ILogger log, string name, string missed);

    [LoggerMessage(87, LogLevel.Warning, "Operators could not yet be told of {About} by mail, and are told later; the last answer: {Outcome}")]
    static partial void LogUntold(ILogger log, string about, string outcome);
}
