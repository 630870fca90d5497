using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Reconciliation;

/// <summary>What the reference says of discrepancies.</summary>
static class DiscrepancyDocs
{
    const string Tag = "Discrepancies";

    const string Open = """
        {"id": "dis_row_4", "gateway": "shop-cards", "order": null, "payment": null, "event": null, "kind": "unknown_order", "money_reference": null, "row_key": "pay_K2x",
         "settlement": "stl_12", "line": 17, "amount": 49900, "currency": "INR", "owner": "operator",
         "proposal": "find whose money it is: accept it as income, a refund or a dispute; given back at the gateway, close: it is booked to fees, where its return clears it", "suggestions": ["pay_01jd8xk3m4n7p_1"], "persons_needed": 1, "opened_at": "2026-03-02T06:00:03Z",
         "age_seconds": 86400, "resolved_at": null, "resolution": null, "reason": null, "resolved_by": [], "resolved_by_keys": [], "extra": [{"column": "customer_vpa", "text": "asha@upi"}]}
        """;

    const string Resolved = """
        {"id": "dis_01jd8xk3m4n7p_5", "gateway": "shop-cards", "order": "ord_01jd8xk3m4n7p", "payment": "pay_01jd8xk3m4n7p_1", "event": "evt_01jd8xk3m4n7p_5", "kind": "late",
         "money_reference": "pay_K2x", "row_key": null, "settlement": null, "line": null, "amount": 49900, "currency": "INR", "owner": "operator",
         "proposal": "accept when the goods can still go out, else refund", "suggestions": [], "persons_needed": 1, "opened_at": "2026-03-01T10:04:31Z", "age_seconds": 3600,
         "resolved_at": "2026-03-01T11:04:31Z", "resolution": "refund", "reason": "Sold out meanwhile.", "resolved_by": ["Asha Rao"], "resolved_by_keys": [3], "extra": []}
        """;

    public static readonly ApiOperation List = new("listDiscrepancies", Tag, "What does not agree", Access.Secret)
    {
        Query =
        [
            new("open", "true, false; both when left out.", Example: "true"), new("gateway", "A gateway account's name."), new("cursor", "`next` of the page before."),
            new("limit", "1 to 200; 50 when left out.", "integer"),
        ],
        Answers = [new(200, "Oldest first.", typeof(DiscrepancyList), $$"""{"discrepancies": [{{Resolved}}, {{Open}}], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Read = new("readDiscrepancy", Tag, "Read a discrepancy", Access.Secret)
    {
        Answers = [new(200, "The discrepancy.", typeof(DiscrepancyView), Open)],
        Problems = [KeyMissing, SecretKeyNeeded, DiscrepancyUnknown],
    };

    public static readonly ApiOperation Resolve = new("resolveDiscrepancy", Tag, "Decide about a discrepancy", Access.Secret)
    {
        Description = "`accept`: the money is ours (late money pays the order; what a statement alone says is believed; money without an order is income, or a refund or a dispute " +
            "if its row says so). `refund`: it goes back. `write_off`: a statement's row, or what it has too much or too little of, is booked to fees. `close`: it is settled elsewhere; what waits for it in suspense goes " +
            "to fees, and if it is money of a wrong amount to sales. Taking the answer back puts it there again. `note`: only a remark, and it stays open. Above the " +
            "installation's second limit, which is set by currency, two different persons must send the same action, each with an API key of their own: the first is answered 202, and the same key again is refused whatever name it says. With a key that has a person (`purser keys create --person`) `by` is that person and may be left out; another name is refused. A row that could not be applied (`not_applied`) is " +
            "applied by `accept`, once. Every decision is kept with its person, reason and policy before it is done, and finished by whoever is there if the server dies in between. " +
            "Of two persons who act at once, one is told `answer_overtaken`. " +
            "A later statement may correct a row that is asked about: send the `amount` and the `settlement` that the person was shown, and an answer to others is refused (`discrepancy_changed`).",
        Body = typeof(ResolutionBody),
        Examples = [("refund", """{"action": "refund", "by": "Asha Rao", "reason": "Sold out meanwhile."}"""), ("close", """{"action": "close", "by": "Asha Rao", "reason": "The gateway corrected it.", "amount": 49900, "settlement": "stl_12"}""")],
        Answers =
        [
            new(200, "Decided.", typeof(DiscrepancyView), Resolved),
            new(202, "A second person must send the same.", typeof(DiscrepancyView), Open.Replace("\"resolution\": null", "\"resolution\": \"accept\"", StringComparison.Ordinal)
                .Replace("\"resolved_by\": []", "\"resolved_by\": [\"Asha Rao\"]", StringComparison.Ordinal).Replace("\"resolved_by_keys\": []", "\"resolved_by_keys\": [3]", StringComparison.Ordinal).Replace("\"persons_needed\": 1", "\"persons_needed\": 2", StringComparison.Ordinal)),
        ],
        Problems = [MalformedJson, InvalidHeader, InvalidFields, KeyMissing, SecretKeyNeeded, DiscrepancyUnknown, AnswerUnsuitable, AnswerOvertaken, DiscrepancyChanged, KeyReused],
        TakesKey = true,
    };

    public static readonly ApiOperation Reopen = new("reopenDiscrepancy", Tag, "Take a decision back", Access.Secret)
    {
        Description = "As long as no money moved.",
        Body = typeof(ReopeningBody),
        Examples = [("undo", """{"by": "Asha Rao", "reason": "It was the wrong one."}""")],
        Answers = [new(200, "Open again.", typeof(DiscrepancyView), Open)],
        Problems = [MalformedJson, InvalidFields, KeyMissing, SecretKeyNeeded, DiscrepancyUnknown, AnswerUnsuitable, AnswerOvertaken, AnswerFinal],
    };
}
