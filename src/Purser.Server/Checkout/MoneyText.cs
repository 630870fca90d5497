namespace Purser.Server.Checkout;

/// <summary>Amounts as shoppers read them: the sign where one is well known, grouped digits, and always the currency's code, for a dollar is
/// not one currency. Rupees are grouped as in India: 12,34,567.00.</summary>
public static class MoneyText
{
    /// <param name="indian">Whatever the currency, for readers who group so.</param>
    public static string Of(Money money, bool indian = false) => $"{Figure(money, indian)} {money.Currency.Code}";

    /// <summary>Without the code, where it stands beside.</summary>
    public static string Figure(Money money, bool indian = false) => Write(money, Sign(money.Currency), indian);

    /// <summary>Without code and sign, for columns.</summary>
    public static string Number(Money money, bool indian = false) => Write(money, "", indian);

    static string Write(Money money, string sign, bool indian)
    {
        var plain = money.ToMajorUnits();
        var negative = plain[0] == '-';
        var whole = plain.AsSpan(negative ? 1 : 0);
        var point = whole.IndexOf('.');
        var decimals = point < 0 ? [] : whole[point..];
        if (point >= 0) whole = whole[..point];
        return $"{(negative ? "−" : "")}{sign}{Grouped(whole, indian || money.Currency.Code == "INR")}{decimals}";
    }

    static string Sign(Currency currency) => currency.Code switch
    {
        "INR" => "₹",
        "EUR" => "€",
        "GBP" => "£",
        "USD" => "$",
        "JPY" => "¥",
        _ => "",
    };

    static string Grouped(ReadOnlySpan<char> digits, bool indian)
    {
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < digits.Length; i++)
        {
            var left = digits.Length - i;
            if (i > 0 && (indian && left > 3 ? left % 2 == 1 : left % 3 == 0)) text.Append(',');
            text.Append(digits[i]);
        }
        return text.ToString();
    }
}
