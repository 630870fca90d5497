namespace Purser.Reconciliation;

/// <summary>Under what name the books have what a person is asked about a row. A row that stands there again, or with other content, has one of its own beside the first.</summary>
public static class RowName
{
    public const string Changed = " (changed)", Again = " (again)";

    public static string Of(string rowKey, SettlementClass question) => question switch
    {
        SettlementClass.Changed => rowKey + Changed,
        SettlementClass.DuplicateLine => rowKey + Again,
        _ => rowKey,
    };
}
