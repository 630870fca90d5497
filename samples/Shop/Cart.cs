using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Purser.Client;

namespace Shop;

/// <summary>A number and what is in it, kept in a cookie: "number.darjeeling-2.cups-1". Prices are never kept, for a cookie is the shopper's.</summary>
public sealed partial record Cart(string Number, IReadOnlyList<(Tea Tea, int Quantity)> Lines)
{
    public const string Prefix = "leaf-";
    const string Cookie = "cart";
    const int Most = 9;

    public static Cart Empty { get; } = new("", []);
    public bool IsEmpty => Lines.Count == 0;
    public int Count => Lines.Sum(l => l.Quantity);
    public Money Total => Lines.Aggregate(new Money(0, "INR"), (sum, line) => sum + line.Tea.Price * line.Quantity);
    public int Quantity(Tea tea) => Lines.FirstOrDefault(l => l.Tea == tea).Quantity;

    public static Cart Of(HttpRequest request)
    {
        var parts = (request.Cookies[Cookie] ?? "").Split('.');
        var lines = from part in parts.Skip(1)
                    let words = part.Split('-')
                    let tea = Catalogue.Find(words[0])
                    where tea is not null && words.Length == 2 && int.TryParse(words[1], out var quantity) && quantity is >= 1 and <= Most
                    select (tea, int.Parse(words[1]));
        return parts[0].Length == 20 && parts[0].All(char.IsAsciiHexDigitLower) ? new Cart(parts[0], [.. lines.DistinctBy(l => l.tea)]) : Empty;
    }

    /// <summary>With so many of this tea; none takes it out.</summary>
    public Cart With(Tea tea, int quantity)
    {
        var lines = Catalogue.Teas.Select(t => (Tea: t, Quantity: t == tea ? Math.Min(quantity, Most) : Quantity(t))).Where(l => l.Quantity > 0);
        return new Cart(Number.Length > 0 ? Number : Renewed().Number, [.. lines]);
    }

    /// <summary>The same things under a new number, for a new order. Nobody can guess it, so it opens the order's page.</summary>
    public Cart Renewed() => this with { Number = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(10)) };

    public void Keep(HttpResponse response)
    {
        var options = new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = response.HttpContext.Request.IsHttps, MaxAge = TimeSpan.FromDays(7) };
        response.Cookies.Append(Cookie, string.Join('.', Lines.Select(l => $"{l.Tea.Id}-{l.Quantity}").Prepend(Number)), options);
    }

    /// <summary>The order's name for ever: the same things for the same person are the same order; anything else is another.</summary>
    public string Reference(string name, string email)
    {
        var content = string.Join('\n', Lines.Select(l => $"{l.Tea.Id} {l.Quantity} {l.Tea.Price}").Order().Append(name).Append(email));
        return $"{Prefix}{Number}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)))[..12]}";
    }

    /// <summary>The names of the shop's own orders. The merchant sells elsewhere under the same key, too, and a stranger's order must not be shown here.</summary>
    [GeneratedRegex("^" + Prefix + "[0-9a-f]{20}-[0-9a-f]{12}\\z")]
    public static partial Regex Ours { get; }
}
