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

    /// <summary>Requests of a conversation that name no order are this one's: set while a call starts.</summary>
    public OrderId? CallingFor { get; set; }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var gateway = world.Gateways.Single(g => g.Host == request.RequestUri!.Host);
        var path = request.RequestUri!.PathAndQuery;
        var (port, link) = gateway.Classify(request.Method, path);
        var order = link?.Order ?? world.Database.IndexOf(CallingFor);
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
        var body = request.Content is null ? default(ReadOnlyMemory<byte>) : request.Content.ReadAsByteArrayAsync(cancellationToken).GetAwaiter().GetResult();
        world.Outside.Start(() => Carry(gateway, port, order, fault, lot, request, path, body, answer), world.Auditor.Threw);
        return answer.Task;
    }

    async Task Carry(
        WorldGateway gateway, Port port, int order, Fault fault, ulong lot, HttpRequestMessage request, string path, ReadOnlyMemory<byte> body,
        TaskCompletionSource<HttpResponseMessage> answer)
    {
        var size = Chance.Random(lot == 0 ? (ulong)world.Scheduling.Next() : lot);
        await world.Loop.Wait(size.Between(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(300)));
        if (fault == Fault.Slow) await world.Loop.Wait(size.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(12)));
        if (world.Time.GetUtcNow() < gateway.GoneUntil) fault = Fault.ServerErrorBefore;

        WireAnswer said;
        switch (fault)
        {
            case Fault.TimeOutBefore:
                await world.Loop.Wait(Never);
                return;
            case Fault.ServerErrorBefore:
                said = gateway.ServerError with { Status = size.Pick(500, 502, 503) };
                break;
            case Fault.RateLimited:
                said = gateway.RateLimited(lot);
                break;
            default:
                var terms = new WorldGateway.Terms(
                    new View(
                        fault == Fault.StatusLag ? world.Time.Ticks - size.Between(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(50)).Ticks : world.Time.Ticks,
                        fault == Fault.WrongAmount ? 1 + size.Next(400) : 0, fault == Fault.UnknownWord),
                    fault == Fault.LinkForLess ? 1 + size.Next(400) : 0,
                    fault == Fault.NotFoundAtFirst ? size.Between(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(55)) : TimeSpan.Zero);
                said = gateway.Handle(request.Method, path, body, request, terms);
                if (fault == Fault.SentTwice) gateway.Handle(request.Method, path, body, request, terms);
                break;
        }
        world.Trace.Mix(order, 102 + (int)port, said.Status);
        world.Trace.Tell(order, $"{life.Name} asks {gateway.Account} {request.Method} {path[..Math.Min(path.Length, 60)]}: {said.Status}{(fault == Fault.None ? "" : $" ({fault})")}");
        switch (fault)
        {
            case Fault.TimeOutAfter:
                await world.Loop.Wait(Never);
                return;
            case Fault.ServerErrorAfter:
                said = gateway.ServerError;
                break;
            case Fault.ResetAfter:
                answer.TrySetException(new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was closed"));
                return;
            case Fault.Malformed:
                said = said with { Body = Spoil(said.Body, size) };
                break;
            case Fault.Swapped when gateway.Links.Count > 1 && port != Port.OpenLink:
                said = OfAnother(gateway, path, request);
                break;
            case Fault.Swapped when gateway.Links.Count > 1:
                said = OfAnother(gateway, null, request);
                break;
            case Fault.CrashAfterCall:
                _ = life.Crash("after a gateway call, before its reply is stored (C3)");
                return;
        }
        var message = new HttpResponseMessage((HttpStatusCode)said.Status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(said.Body)) };
        if (said.Header is not null) message.Headers.TryAddWithoutValidation(said.Header, said.HeaderValue);
        answer.TrySetResult(message);
    }

    /// <summary>The answer that another question would have had.</summary>
    WireAnswer OfAnother(WorldGateway gateway, string? path, HttpRequestMessage request)
    {
        var other = gateway.Links[world.Scheduling.Next(gateway.Links.Count)];
        var terms = new WorldGateway.Terms(new View(world.Time.Ticks));
        var parts = (path ?? request.RequestUri!.AbsolutePath).Split('?')[0].TrimEnd('/').Split('/');
        var collection = string.Join('/', parts.Take(gateway.Account == World.Cards ? 4 : 3));
        return gateway.Handle(HttpMethod.Get, $"{collection.Replace("/orders", "/payment_links", StringComparison.Ordinal)}/{other.Id}", default, request, terms);
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
    public void Start(GatewayCall call)
    {
        network.CallingFor = call.Order.Id;
        inner.Start(call);
        network.CallingFor = null;
    }
}
