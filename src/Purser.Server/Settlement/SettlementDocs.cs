using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Settlement;

/// <summary>What the reference says of settlement files.</summary>
static class SettlementDocs
{
    const string Tag = "Settlements";

    const string File = """
        {"id": "stl_12", "gateway": "shop-cards", "name": "settlement-2026-03-01.csv", "source": "upload",
         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "bytes": 48211, "received_at": "2026-03-02T06:00:00Z", "state": "done",
         "here_before": false, "dry_run": false, "lines": 412, "lines_stored": 412, "lines_acted": 412, "covers_from": "2026-03-01", "covers_to": "2026-03-01",
         "totals": [{"currency": "INR", "net_currency": "INR", "lines": 412, "amount": 20558800, "net": 20154447}],
         "classes": [
           {"class": "both_paid", "currency": "INR", "net_currency": "INR", "lines": 411, "amount": 20508900, "net": 20105525, "action": "settled: fee, tax and net are booked"},
           {"class": "theirs_paid", "currency": "INR", "net_currency": "INR", "lines": 1, "amount": 49900, "net": 48922,
            "action": "the gateway is asked; then the order is paid, or the money goes back, by the order's policy"}],
         "refusal": null, "policy": 1, "done_at": "2026-03-02T06:00:03Z", "preview": null, "lacks": null}
        """;

    static readonly string Dry = File.Replace("\"stl_12\"", "\"stl_13\"", StringComparison.Ordinal).Replace("\"state\": \"done\"", "\"state\": \"matched\"", StringComparison.Ordinal)
        .Replace("\"dry_run\": false", "\"dry_run\": true", StringComparison.Ordinal).Replace("\"lines_acted\": 412", "\"lines_acted\": 0", StringComparison.Ordinal)
        .Replace("\"policy\": 1, \"done_at\": \"2026-03-02T06:00:03Z\", \"preview\": null", """
            "policy": null, "done_at": null, "preview": {
              "asks": [{"class": "theirs_paid", "currency": "INR", "lines": 1, "amount": 49900, "two_persons": 0, "unless_confirmed": true}],
              "order_asks": [{"kind": "late", "currency": "INR", "lines": 1, "amount": 49900}],
              "overdue": [{"what": "payments", "currency": "INR", "count": 3, "amount": 149700, "by_this_file": true}],
              "not_foreseen": ["what the gateway answers about lines that only the file tells of", "a dispute that cannot be told from another"]}
            """, StringComparison.Ordinal);

    public static readonly ApiOperation Send = new("sendSettlement", Tag, "Send a settlement file", Access.Secret)
    {
        Description = "The body is the file as the gateway gave it, alone (any Content-Type) or as the first file of a multipart form. Its bytes are kept before " +
            "anything is read; then it is read whole, matched, and acted on while you read its state. The same bytes again change nothing and answer 200 with what " +
            "came of them; a file that was refused is read again. Repeated with the same Idempotency-Key it is answered with the same file, and one that was refused is not " +
            "read again. With `dry_run=true` the answer says what would be done, and nothing is kept, the key neither; `preview` says what would " +
            "be asked of persons, by the policy and by orders, which money was due and is missing, and what cannot be foreseen.",
        Query =
        [
            new("gateway", "The gateway account that the file is of.", Example: "shop-cards"), new("dry_run", "true: match only, and keep nothing."),
            new("name", "What to call the file; else its name in the form."),
        ],
        Answers = [new(201, "Kept, and being worked on.", typeof(SettlementView), File), new(200, "It was here before; or the answer to a dry run.", typeof(SettlementView), Dry)],
        Problems = [InvalidQuery, InvalidHeader, BadRequest, KeyReused, BodyTooLarge, KeyMissing, SecretKeyNeeded],
        TakesKey = true,
    };

    public static readonly ApiOperation List = new("listSettlements", Tag, "List settlement files", Access.Secret)
    {
        Query =
        [
            new("gateway", "A gateway account's name."), new("state", "stored, reading, read, matched, acting, done or refused."),
            new("cursor", "`next` of the page before."), new("limit", "1 to 200; 50 when left out.", "integer"),
        ],
        Answers = [new(200, "Newest first.", typeof(SettlementList), $$"""{"settlements": [{{File}}], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Read = new("readSettlement", Tag, "Read a settlement file's state", Access.Secret)
    {
        Answers = [new(200, "How far it is and what it says.", typeof(SettlementView), File)],
        Problems = [KeyMissing, SecretKeyNeeded, SettlementUnknown],
    };

    public static readonly ApiOperation Dismiss = new("dismissSettlement", Tag, "Say that a refused file needs nothing more", Access.Secret)
    {
        Description = "Operators are told by mail of a file that was refused, and `purser doctor` names it, until the same bytes are read after all, a file of its account that came later covers its days, " +
            "or a person says this. Who and why is kept. Said again it changes nothing; the same bytes sent again are read again.",
        Body = typeof(SettlementDismissalBody),
        Examples = [("dismiss", """{"by": "Asha Rao", "reason": "It was a copy of the file of the day before."}""")],
        Answers =
        [
            new(200, "Nothing more is needed.", typeof(SettlementView), File.Replace("\"state\": \"done\"", "\"state\": \"refused\"", StringComparison.Ordinal)
                .Replace("\"refusal\": null, \"policy\": 1", """
                    "refusal": {"detail": "'12,5' is no amount.", "row": 17, "column": "fee", "dismissed_at": "2026-03-02T09:12:44Z"}, "policy": null
                    """, StringComparison.Ordinal)),
        ],
        Problems = [MalformedJson, InvalidHeader, InvalidFields, KeyMissing, SecretKeyNeeded, SettlementUnknown, SettlementNotRefused, KeyReused],
        TakesKey = true,
    };

    const string OneLine = """
        {"lines": [{"line": 17, "row": 18, "class": "theirs_paid", "kind": "payment", "row_key": "pay_K2x", "order": "ord_01jd8xk3m4n7p",
          "payment": "pay_01jd8xk3m4n7p_1", "refund": null, "money_reference": "pay_K2x", "refund_reference": null, "amount": 49900, "currency": "INR", "fee": 829,
          "tax": 149, "net": 48922, "net_currency": "INR", "method": "upi", "happened_at": "2026-03-01T10:04:31Z", "settled_on": "2026-03-02",
          "payout_reference": "UTR2603020001", "note": null, "was": null, "extra": [{"column": "customer_vpa", "text": "asha@upi"}]}], "next": null}
        """;

    public static readonly ApiOperation Lines = new("listSettlementLines", Tag, "The lines of a settlement file", Access.Secret)
    {
        Query =
        [
            new("class", $"Only lines of this class: {string.Join(", ", SettlementView.Words)}.", Example: "theirs_paid"), new("cursor", "`next` of the page before."),
            new("limit", "1 to 200; 50 when left out.", "integer"),
        ],
        Answers =
        [
            new(200, "In the order of the file. Texts are the gateway's own: escape them where you show them.", typeof(SettlementLineList), OneLine),
        ],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded, SettlementUnknown],
    };

    public static readonly ApiOperation Lacking = new("listSettlementLacks", Tag, "What a settlement file lacks of one that it issues again", Access.Secret)
    {
        Description = "Rows of the earlier file (`lacks.settlement`) that this one does not have, as lines of the earlier one. Empty when it lacks none, or issues none again.",
        Query = [new("cursor", "`next` of the page before."), new("limit", "1 to 200; 50 when left out.", "integer")],
        Answers = [new(200, "In the order of the earlier file.", typeof(SettlementLineList), OneLine)],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded, SettlementUnknown],
    };
}
