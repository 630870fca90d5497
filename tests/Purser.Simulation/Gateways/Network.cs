using System.Net;
using System.Text;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>The wire between one life of a node and the world's gateways. Everything that a network and a gateway can do to a question
/// is done here: <c>before</c> its effect, <c>after</c> it, slowly, twice, or with a node that dies before it hears the answer.</summary>
sealed class Network(World world, Life life) : HttpMessageHandler
{
    static readonly TimeSpan Never = TimeSpan.FromHours(1);

    /// <summary>The order that a conversation is about; known to all that follows from its beginning.</summary>
    readonly AsyncLocal<OrderId?> callingFor = new();

    /// <summary>Everything that this starts is about that order.</summary>
    public void CallFor(OrderId order, Action start)
    {
        callingFor.Value = order;
        start();
        callingFor.Value = null;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var gateway = world.Gateways.Single(g => g.Host == request.RequestUri!.Host);
        var body = request.Content is null ? default(ReadOnlyMemory<byte>) : request.Content.ReadAsByteArrayAsync(cancellationToken).GetAwaiter().GetResult();
        var (port, link) = gateway.Classify(request, body);
        var order = link?.Order ?? world.Database.IndexOf(callingFor.Value);
        var (fault, lot) = world.Faults.At(port, order);
        world.Questions++;
        world.Bug.Send(world, request);

        var answer = new TaskCompletionSource<HttpResponseMessage>();
        if (cancellationToken.CanBeCanceled)
            cancellationToken.Register(() => answer.TrySetCanceled(cancellationToken), useSynchronizationContext: false);
        if (fault == Fault.ConnectionRefused || (world.Time.GetUtcNow() < gateway.GoneUntil && lot % 2 == 0))
        {
            // Whoever refuses the connection has not read a byte.
            answer.SetException(new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused"));
            return answer.Task;
        }
        world.Outside.Start(() => Carry(gateway, port, order, fault, lot, request, body, answer), world.Auditor.Threw);
        return answer.Task;
    }

    async Task Carry(
        WorldGateway gateway, Port port, int order, Fault fault, ulong lot, HttpRequestMessage request, ReadOnlyMemory<byte> body,
        TaskCompletionSource<HttpResponseMessage> answer)
    {
        var size = Chance.Random(lot == 0 ? (ulong)world.Scheduling.Next() : lot);
        await world.Loop.Wait(size.Between(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(300)));
        if (fault == Fault.Slow) await world.Loop.Wait(size.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(12)));
        if (world.Time.GetUtcNow() < gateway.GoneUntil || (port == Port.Inquire && gateway.IsMute)) fault = Fault.ServerErrorBefore;

        WireAnswer said;
        switch (fault)
        {
            case Fault.TimeOutBefore:
                await world.Loop.Wait(Never);
                return;
            case Fault.ServerErrorBefore:
                said = gateway.Trouble(size.Pick(500, 502, 503), lot);
                break;
            case Fault.RateLimited:
                said = gateway.Trouble(429, lot);
                break;
            default:
                var terms = new WorldGateway.Terms(
                    new View(
                        fault == Fault.StatusLag ? world.Time.Ticks - size.Between(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(50)).Ticks : world.Time.Ticks,
                        fault == Fault.WrongAmount ? 1 + size.Next(400) : 0, fault == Fault.UnknownWord),
                    order, fault == Fault.LinkForLess ? 1 + size.Next(400) : 0,
                    fault == Fault.NotFoundAtFirst ? size.Between(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(55)) : TimeSpan.Zero);
                said = gateway.Handle(request, body, terms);
                if (fault == Fault.SentTwice && (port != Port.Refund || gateway.KnowsRefundsByKey)) gateway.Handle(request, body, terms);
                break;
        }
        var path = request.RequestUri!.PathAndQuery;
        world.Trace.Mix(order, 102 + (int)port, said.Status);
        world.Trace.Tell(order, $"{life.Name} asks {gateway.Account} {request.Method} {path[..Math.Min(path.Length, 60)]}: {said.Status}{(fault == Fault.None ? "" : $" ({fault})")}");
        switch (fault)
        {
            case Fault.TimeOutAfter:
                await world.Loop.Wait(Never);
                return;
            case Fault.ServerErrorAfter:
                said = gateway.Trouble(500, lot);
                break;
            case Fault.ResetAfter:
                answer.TrySetException(new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was closed"));
                return;
            case Fault.Malformed:
                said = said with { Body = Spoil(said.Body, size) };
                break;
            case Fault.Swapped:
                if (gateway.OfAnother(request, body, port, order) is not { } other) break;
                said = other;
                // "There is nothing" of another order names nobody: no adapter can tell that it is not about ours. (What is encrypted names nobody to us.)
                if (port == Port.Inquire && !gateway.Links.Exists(l => other.Body.Contains(l.Id, StringComparison.Ordinal) || other.Body.Contains(l.Reference, StringComparison.Ordinal)))
                    gateway.Answers.Add((order, world.Time.GetUtcNow(), DateTimeOffset.MinValue));
                break;
            case Fault.NamedAsAnother:
                said = said with { Body = Renamed(said.Body, gateway, order, size) };
                break;
            case Fault.CrashAfterCall:
                _ = life.Crash("after a gateway call, before its reply is stored (C3)");
                return;
        }
        var message = new HttpResponseMessage((HttpStatusCode)said.Status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(said.Body)) };
        if (said.ContentType is not null) message.Content.Headers.TryAddWithoutValidation("Content-Type", said.ContentType);
        foreach (var (name, value) in said.Headers) message.Headers.TryAddWithoutValidation(name, value);
        answer.TrySetResult(message);
    }

    /// <summary>The link's name becomes that of another order's link which its payment has heard of.</summary>
    string Renamed(string body, WorldGateway gateway, int order, Random size)
    {
        var others = gateway.Links.Where(l => l.Order != order && world.Database.HolderOf(new GatewayName(gateway.Account, false, l.Id)) == l.Payment).ToList();
        if (others.Count == 0) return body;
        var other = others[size.Next(others.Count)].Id;
        return gateway.Links.Where(l => l.Order == order).Aggregate(body, (text, mine) => text.Replace($"\"{mine.Id}\"", $"\"{other}\"", StringComparison.Ordinal));
    }

    /// <summary>What comes out of a broken proxy.</summary>
    static string Spoil(string body, Random size) => size.Next(6) switch
    {
        0 => "<html><body><h1>502 Bad Gateway</h1></body></html>",
        1 => body[..(body.Length / 2)],
        2 => "",
        3 => "null",
        4 => body.Replace("\"amount", "\"status\":\"created\",\"amount", StringComparison.Ordinal),
        _ => body.Replace(":", ":\"", StringComparison.Ordinal),
    };
}

/// <summary>Tells the wire for which order a conversation begins.</summary>
sealed class MarkingStarter(ICallStarter inner, Network network) : ICallStarter
{
    public void Start(GatewayCall call) => network.CallFor(call.Order.Id, () => inner.Start(call));
}
