using System.Globalization;
using System.Text;
using Purser.Gateways;
using Purser.Reconciliation;

namespace Purser.Bench;

/// <summary>A statement of as many lines as wanted, about payments that the database has: one line in a thousand differs, in six ways.</summary>
static class BenchStatements
{
    public const string Columns = "row_key,kind,payment,money,amount,currency,fee,tax,net,happened_at,settled_on,utr";
    const string Day = "yyyy-MM-dd", Time = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public static SettlementSheet Sheet { get; } = new(["row_key", "kind", "payment", "amount", "currency", "net"], Read);

    public static void Write(string path, int lines, Func<int, PaymentId> payment)
    {
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 20) { NewLine = "\n" };
        file.WriteLine(Columns);
        // As they are settled and not as they were placed: neighbours in the file are strangers in the table.
        var step = Coprime(lines);
        for (var i = 0; i < lines; i++)
        {
            var n = (int)((long)i * step % lines);
            var reference = payment(n).Reference;
            var (key, kind, amount) = (i % 6000) switch
            {
                1000 => ($"row_{n:x8}", "FailedPayment", 49900L),
                2000 => ($"row_{n:x8}", "Payment", 49901L),
                3000 => ($"row_{(int)((long)(i - 1) * step % lines):x8}", "Payment", 49900L),
                4000 => ($"row_{n:x8}", "Adjustment", 1200L),
                _ => ($"row_{n:x8}", "Payment", 49900L),
            };
            // A payment that we do not have.
            if (i % 6000 == 5000) reference = $"7zzzzz{n:x7}p1";
            file.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{key},{kind},{reference},m_{n:x8},{amount},INR,998,180,{amount - 1178},2026-03-{n % 28 + 1:00}T{n % 24:00}:{n % 60:00}:00Z,2026-03-30,UTR26033000{n % 90 + 10}"));
        }
    }

    static SettlementLine? Read(SettlementRow row, GatewayAccount account)
    {
        var currency = row.Currency("currency");
        if (!Enum.TryParse<SettlementKind>(row.Text("kind"), out var kind)) throw new SettlementRowException("kind", "is unknown");
        return new SettlementLine(row.Text("row_key"), kind, row.Minor("amount", currency), row.Minor("net", currency))
        {
            Payment = PaymentId.TryParseReference(row.Cell("payment"), out var payment) ? payment : null,
            MoneyReference = row.Cell("money"),
            Fee = row.Minor("fee", currency),
            Tax = row.Minor("tax", currency),
            HappenedAt = row.Time("happened_at", TimeSpan.Zero, Time),
            SettledOn = row.Day("settled_on", Day),
            PayoutReference = row.Cell("utr"),
        };
    }

    static int Coprime(int lines)
    {
        var step = Math.Max(3, (int)(lines * 0.618)) | 1;
        while (Gcd(step, lines) != 1) step += 2;
        return step;
    }

    static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}
