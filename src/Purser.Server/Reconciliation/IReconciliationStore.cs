using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>What matching reads and writes: PostgreSQL (<see cref="MatchStore"/>), or the simulation's world. Whoever writes has the file's lease to the end of the commit, or
/// <see cref="LeaseLostException"/> is thrown and nothing is written.</summary>
public interface IMatchStore
{
    /// <summary>Back to the presumed classes, for a match that was broken off.</summary>
    Task Presume(SettlementFile file, CancellationToken stop);

    /// <summary>Stores classes, and says what moved: presumed class, class, currencies, how many, amount, net.</summary>
    Task<IReadOnlyList<(SettlementKind Kind, ClassTotal Moved)>> Store(SettlementFile file, IReadOnlyList<Reclassed> lines, CancellationToken stop);

    /// <summary>The keys of all rows that this account's earlier files have, a piece at a time. Earlier is what was applied: an account's files are applied one
    /// after another, and one that was refused comes after what was applied before it is read again.</summary>
    /// <param name="only">The keys that are looked for, where they are few; others may come with them.</param>
    /// <returns>Pieces of keys and contents, numbered from <c>First</c>; or groups, see <see cref="KeyGroup"/>, where that is 0. Files were applied in the order of their turns.</returns>
    IAsyncEnumerable<(long File, long Turn, int First, byte[] Keys)> EarlierKeys(SettlementFile file, long[]? only, CancellationToken stop);

    /// <summary>Keeps keys of this file's rows for files to come.</summary>
    /// <param name="bits">How many bits of a key tell its group.</param>
    /// <param name="begin">What was kept of the file before goes.</param>
    Task KeepKeys(SettlementFile file, int bits, IReadOnlyList<KeyGroup> groups, bool begin, CancellationToken stop);

    /// <summary>Which of these pairs of lines really have the same key, and whether they agree in all that both of them say: a gateway's file and its API
    /// tell of one row in more or in less detail. A <see cref="SettlementClass.DuplicateLine"/> beside one of an earlier file agrees with it only within a day, and when that one
    /// was asked about.</summary>
    Task<Dictionary<int, bool>> SameKeys(long file, IReadOnlyList<Reclassed> pairs, CancellationToken stop);

    /// <summary>What a file that issues an earlier one again lacks of it; null when it issues none again, or has all of it.</summary>
    /// <param name="had">By earlier file, how many of its rows this one has.</param>
    Task<LackedRows?> Lacked(SettlementFile file, IReadOnlyDictionary<long, int> had, CancellationToken stop);

    /// <summary>Of changed rows those whose first version tells of a payment that failed, which is no money: the version that a change is a difference from is a later one. That is the one that
    /// was changed last, which leads to the first that was applied, or the last there is; null where all failed, and the row is as new as if none had been.
    /// None of a key that stood more than once in a file: a person is asked about its further rows.</summary>
    Task<Dictionary<int, (long File, int Number)?>> FailedFirst(string account, IReadOnlyList<(int Number, (long File, int Number) First, (long File, int Number) Last)> changed, CancellationToken stop);

    /// <summary>All payments of an account between two orders.</summary>
    Task StreamPayments(string account, long from, long to, Action<OursRow> take, CancellationToken stop);

    /// <summary>Looks lines up one by one, by our reference or by theirs.</summary>
    Task<IReadOnlyList<LineBesideOurs>> LookUp(SettlementFile file, int[] numbers, CancellationToken stop);
}

/// <summary>What acting on a file, and looking for the overdue, read and write beside the engine.</summary>
public interface IActStore
{
    /// <summary>The number of this policy; a new one when it never was in force here.</summary>
    Task<int> PolicyVersion(SettlementOptions options, CancellationToken stop);

    /// <summary>What acting on a dry run's lines would do beyond them.</summary>
    /// <param name="refundDue">By when a statement should have a refund of that day.</param>
    /// <param name="until">What was due before this day is overdue.</param>
    Task<DryRunPreview> Preview(SettlementFile file, SettlementOptions options, Func<DateOnly, DateOnly?> refundDue, DateOnly until, CancellationToken stop);

    /// <summary>The payments of a batch of lines as they are now, by line.</summary>
    Task<Dictionary<int, PaymentNow>> Payments(IReadOnlyList<StoredLine> lines, CancellationToken stop);

    /// <summary>Posts and opens what is new, in one commit. What was posted or opened for the same row before stays as it is.</summary>
    /// <exception cref="LeaseLostException">The file was taken by a worker, and another has it now.</exception>
    Task Write(SettlementFile file, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened, CancellationToken stop);

    /// <summary>The questions about rows of these names that knowing the money, or which refund it was, answers: open ones, and those that persons answered since the file came. Of a name that stood more than once in a file there is none.</summary>
    Task<Dictionary<string, AskedRow>> Asked(SettlementFile file, IReadOnlyList<string> rowKeys, CancellationToken stop);

    /// <summary>From now on a question is about what its row says together with this later line of it. Nothing where it was answered, or is being answered.</summary>
    /// <param name="now">What is asked by then, and the line of the file.</param>
    Task Name(AskedRow asked, SettlementFile file, OpenedRow now, CancellationToken stop);

    /// <summary>Brings what the books have of a row to these sides, and opens what is new, in one commit; done again it does nothing.</summary>
    Task Rewrite(SettlementFile file, string rowKey, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened, CancellationToken stop);

    /// <summary>The turn to look for answered questions, which one node has at a time; null when another has it.</summary>
    Task<IAsyncDisposable?> TakeTurn(CancellationToken stop);

    /// <summary>Questions that money may answer, by number, from behind one.</summary>
    /// <param name="closed">Those that a person answered for want of anything better; otherwise the open ones.</param>
    Task<IReadOnlyList<long>> Unanswered(bool closed, long after, int most, CancellationToken stop);

    /// <summary>Of these questions those about rows whose money is known by now, by number.</summary>
    Task<IReadOnlyList<AnsweredRow>> Answered(IReadOnlyList<long> questions, CancellationToken stop);

    /// <summary>Closes a question for good, and brings what its row posted by itself, and what a person's answer posted, to these sides, in one commit.</summary>
    /// <returns>False when it was closed for good meanwhile.</returns>
    Task<bool> Confirm(long question, string resolution, string why, IReadOnlyList<RowPosting> stands, CancellationToken stop);

    /// <summary>Captures that a statement should have had from a day on and before another, that none had, and that nobody is asked about yet.</summary>
    /// <param name="unstated">Accounts whose contract names no days: their money is missed once they have had a statement at all.</param>
    Task<IReadOnlyList<(PaymentId Payment, string MoneyReference, string Account, DateOnly DueOn)>> Overdue(
        string? account, DateOnly from, DateOnly before, IReadOnlyCollection<string> unstated, (string Account, string Money)? after, int most, CancellationToken stop);

    /// <summary>Refunds that went back before a day, whose row no file has although the account's files reach beyond it; from behind one.</summary>
    Task<IReadOnlyList<UnsettledRefund>> UnsettledRefunds(string? account, DateOnly before, RefundId? after, int most, CancellationToken stop);
}
