namespace Purser.Server.CommandLine;

/// <summary>How an order of a story must stand in the end.</summary>
enum DemoEnd
{
    /// <summary>Paid by one payment, and by one only.</summary>
    Paid,
    /// <summary>No money moved, and the order was cancelled.</summary>
    Unpaid,
    /// <summary>As before, and we noticed that the bank said no before the order was cancelled.</summary>
    Declined,
    /// <summary>No money can move on the link any more.</summary>
    LinkEnded,
    /// <summary>Money came after the order's end; it does not pay the order and goes back.</summary>
    Late,
    /// <summary>Paid by one; the other is known as its duplicate and goes back.</summary>
    PaidTwice,
    /// <summary>Paid, and then the merchant gives all of it back.</summary>
    Refunded,
    /// <summary>Paid, and then the merchant gives a part of it back.</summary>
    PartRefunded,
    /// <summary>Another amount came: nothing is paid, the money is held.</summary>
    Held,
}

/// <summary>One story that the demo plays at every gateway: what the shopper does, what else happens, and how the order must stand in the end.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Acts">What the sandbox's shopper does on the hosted page.</param>
sealed record DemoStory(string Name, string Acts, DemoEnd End)
{
    /// <summary>The shopper's browser comes back.</summary>
    public bool Returns { get; init; } = true;

    /// <summary>The currency, where it is not the gateway's usual one.</summary>
    public string? Currency { get; init; }

    /// <summary>What goes wrong at the gateway's ports.</summary>
    public IReadOnlyList<DemoFault> Faults { get; init; } = [];

    /// <summary>Only where a link can be closed.</summary>
    public bool Closes { get; init; }

    /// <summary>How we must have learned of the money, where the story leaves only one way.</summary>
    public string? Source { get; init; }

    /// <summary>Every outcome that the sandbox's shopper knows, then misfortunes at each port.</summary>
    public static IReadOnlyList<DemoStory> All { get; } =
    [
        new("paid", "paid", DemoEnd.Paid),
        new("paid in yen", "paid", DemoEnd.Paid) { Currency = "JPY" },
        new("paid in dinars", "paid", DemoEnd.Paid) { Currency = "KWD" },
        new("paid, browser closed", "paid", DemoEnd.Paid) { Returns = false },
        new("declined", "declined", DemoEnd.Declined),
        new("declined, then paid", "declined_then_paid", DemoEnd.Paid),
        new("abandoned", "abandoned", DemoEnd.Unpaid),
        new("cancelled by the shopper", "cancelled", DemoEnd.Unpaid),
        new("left at the bank's check", DemoScene.LeftAtCheck, DemoEnd.Paid),
        new("bank says yes later", "paid_pending", DemoEnd.Paid),
        new("bank says no later", "pending_then_failed", DemoEnd.Declined),
        new("paid after the end", "paid_late", DemoEnd.Late) { Returns = false },
        new("paid twice", "paid_twice", DemoEnd.PaidTwice),
        new("paid too little", "wrong_amount", DemoEnd.Held),
        new("link expired", "expired", DemoEnd.LinkEnded) { Returns = false },
        new("given back", "paid", DemoEnd.Refunded) { Returns = false },
        new("a part given back", "paid", DemoEnd.PartRefunded) { Returns = false },

        new("link: answer lost", "paid", DemoEnd.Paid) { Faults = [new("create_link", "timeout_after")] },
        new("link: broken off", "paid", DemoEnd.Paid) { Faults = [new("create_link", "refuse")] },
        new("link: error 500", "paid", DemoEnd.Paid) { Faults = [new("create_link", "error_500")] },
        new("question: garbled", "paid", DemoEnd.Paid) { Faults = [new("inquire", "malformed", 2), new("webhook", "drop", null)] },
        new("question: too many", "paid", DemoEnd.Paid) { Faults = [new("inquire", "error_429", 1), new("webhook", "drop", null)] },
        new("question: about another", "paid", DemoEnd.Paid) { Faults = [new("inquire", "swap", 1), new("webhook", "drop", null)] },
        new("closing: answer lost", "abandoned", DemoEnd.Unpaid) { Closes = true, Faults = [new("cancel", "timeout_after")] },
        new("refund: answer lost", "paid", DemoEnd.Refunded) { Returns = false, Faults = [new("refund", "error_500_after")] },
        new("webhooks lost", "paid", DemoEnd.Paid) { Returns = false, Faults = [new("webhook", "drop", null)], Source = "inquiry" },
        new("webhooks five times", "paid", DemoEnd.Paid) { Returns = false, Faults = [new("webhook", "duplicate", null, Count: 5)] },
        new("webhooks out of order", "paid", DemoEnd.Paid) { Faults = [new("webhook", "reorder", null)] },
        new("webhooks forged as well", "paid", DemoEnd.Paid) { Faults = [new("webhook", "forge", null)] },
        new("webhooks of strangers", "paid", DemoEnd.Paid) { Faults = [new("webhook", "unknown_order", null)] },
    ];
}

/// <summary>A rule of the sandbox's fault plan.</summary>
/// <param name="Times">Null: as long as the story lasts.</param>
sealed record DemoFault(string Call, string Fault, int? Times = 1, int Count = 2)
{
    /// <summary>The gateway tells nothing, answers no question about a payment, and does what it is told without saying so.</summary>
    public static DemoFault NoWebhook { get; } = new("webhook", "drop", null);
    public static DemoFault NoAnswer { get; } = new("inquire", "error_500", null);
    public static DemoFault AnswersLost { get; } = new("other", "error_500_after", null);

    /// <param name="about">What stands in the references of the payments that it strikes.</param>
    public object Rule(string about) => new { call = Call, fault = Fault, times = Times, count = Count, delay_ms = 1000, about };

    /// <summary>Why it did not strike.</summary>
    public string Idle => Call switch
    {
        "create_link" => "needs no answer to open a link",
        "webhook" => "sends no webhook that could be struck",
        _ => $"was not asked ({Call})",
    };
}
