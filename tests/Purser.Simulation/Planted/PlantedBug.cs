using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Webhooks;

namespace Purser.Simulation;

/// <summary>A known bug of other systems, put around the production code; by itself it changes nothing. A checker that does not find these
/// is worth nothing.</summary>
abstract class PlantedBug
{
    public static PlantedBug None { get; } = new Nothing();

    public virtual string Name => GetType().Name;

    /// <summary>The rules that this breaks: each of them must say so. That some other rule stumbles over the consequences proves nothing.</summary>
    public abstract IReadOnlyList<string> BreaksRules { get; }

    /// <summary>It shows where one gateway tells of no money for hours, so that statements do.</summary>
    public virtual bool NeedsSilence => false;

    /// <summary>It shows with a fault of statements that is rare: where it is looked for, that strikes every night.</summary>
    public virtual Fault Provokes => Fault.None;

    public virtual bool TakesNewsAgain => false;
    public virtual bool ReadsNothingAgain => false;
    public virtual bool TakesTheSecondReadingForTheFirst => false;
    public virtual bool IgnoresRowLocks => false;
    public virtual bool ForgetsAlarms => false;
    public virtual bool TrustsMemory => false;
    public virtual bool BelievesLostCommits => false;
    public virtual bool TakesAbsenceForTheEnd => false;
    public virtual bool SharesLinks => false;
    public virtual bool TakesFilesAgain => false;
    public virtual bool TakesEveryRow => false;
    public virtual bool KeepsWhatCouldBeRead => false;
    public virtual bool CallsUnpaidWhatIsUnpaidHere => false;
    public virtual bool PostsNoRows => false;

    public virtual Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => OrderMachine.Decide(order, input, now, rules);

    public virtual IGateway Gateway(IGateway gateway) => gateway;

    /// <summary>A request on its way out.</summary>
    public virtual void Send(World world, HttpRequestMessage request)
    {
    }

    public virtual ICallStarter Calls(ICallStarter starter) => starter;

    public virtual Task<NewsIntake.Outcome> TakeNews(World world, Func<Task<NewsIntake.Outcome>> take) => take();

    public virtual Task<EngineReply> StartPayment(World world, OrderEngine engine, EngineInput input) => engine.Submit(input, CancellationToken.None);

    public virtual Task<EngineReply> Return(World world, OrderEngine engine, PaymentId payment, string query) =>
        engine.Submit(payment.Order, new OrderCommand.Look(payment.Number, Back: true), CancellationToken.None);

    sealed class Nothing : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => [];
    }
}
