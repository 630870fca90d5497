using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Ledger;

/// <summary>What the reference says of the books.</summary>
static class LedgerDocs
{
    const string Tag = "Books";
    static readonly ApiParameter From = new("from", "The period's beginning; from the first posting when left out.", "date-time", "2026-03-01T00:00:00Z");
    static readonly ApiParameter To = new("to", "The period's end, which is not in it; to the last posting when left out.", "date-time", "2026-04-01T00:00:00Z");

    public static readonly ApiOperation Balances = new("listBalances", Tag, "What stands on each account", Access.Secret)
    {
        Description = "By account and currency. Debits are positive: a receivable of 97641 is 976.41 that the gateway owes you; sales are negative, for they are credits. " +
            "All balances of a currency sum to zero.",
        Query = [new("at", "As they stood before this time; as they stand when left out.", "date-time")],
        Answers =
        [
            new(200, "By account.", typeof(BalanceList), """
                {"at": "2026-03-02T00:00:00Z", "balances": [
                  {"account": "receivable:shop-cards", "currency": "INR", "amount": 49900, "debits": 99800, "credits": 49900},
                  {"account": "refunds", "currency": "INR", "amount": 49900, "debits": 49900, "credits": 0},
                  {"account": "sales", "currency": "INR", "amount": -99800, "debits": 0, "credits": 99800}]}
                """),
        ],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Statements = new("readStatement", Tag, "The statement of one account", Access.Secret)
    {
        Query =
        [
            new("account", "An account of the balances.", Example: "receivable:shop-cards"), new("currency", "ISO 4217.", Example: "INR"), From, To,
            new("cursor", "`next` of the page before."), new("limit", "1 to 200; 50 when left out.", "integer"),
        ],
        Answers =
        [
            new(200, "In the order of time.", typeof(StatementView), """
                {"account": "receivable:shop-cards", "currency": "INR", "from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "opening": 0, "closing": 49900,
                 "lines": [{"at": "2026-03-01T10:04:31.120345Z", "entry": "evt_01jd8xk3m4n7p_4", "type": "payment.succeeded", "order": "ord_01jd8xk3m4n7p",
                   "amount": 49900, "balance": 49900}], "next": null}
                """),
        ],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Export = new("exportLedger", Tag, "The ledger for other programs", Access.Secret)
    {
        Description = "Every posting of the period, streamed. As CSV, where a cell that a spreadsheet could take for a formula begins with an apostrophe; or as a journal of hledger.",
        Query = [new("format", "csv or hledger.", Example: "hledger"), From, To],
        Texts =
        [
            new(200, "As CSV.", "text/csv", """
                at,entry,type,order,reference,account,amount,currency,minor_units
                2026-03-01T10:04:31.120345Z,evt_01jd8xk3m4n7p_4,payment.succeeded,ord_01jd8xk3m4n7p,cart-1001,receivable:shop-cards,499.00,INR,49900
                """),
            new(200, "As a journal.", "text/plain", """
                2026-03-01 * (evt_01jd8xk3m4n7p_4) payment.succeeded ord_01jd8xk3m4n7p cart-1001  ; at:2026-03-01T10:04:31.120345Z
                    receivable:shop-cards  499.00 INR
                    sales  -499.00 INR
                """),
        ],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };
}
