using Purser.Client;

namespace Shop;

/// <param name="Hsn">With the tax rate: what the invoice says of the price.</param>
public sealed record Tea(string Id, string Name, string Words, Money Price, string Hsn = "0902", string TaxRate = "5");

public static class Catalogue
{
    public static IReadOnlyList<Tea> Teas { get; } =
    [
        new("darjeeling", "Darjeeling, first flush", "Muscatel and light, picked in March. 100 g", Rupees(450)),
        new("assam", "Assam breakfast", "Malty and strong, made for milk. 250 g", Rupees(320)),
        new("chai", "Masala chai", "Cardamom, ginger, clove and pepper. 200 g", Rupees(280)),
        new("nilgiri", "Nilgiri frost", "Winter-plucked, bright as citrus. 100 g", Rupees(390)),
        new("kettle", "Copper kettle", "Hammered by hand in Moradabad. 1.2 litres", Rupees(6_499), "7418", "12"),
        new("cups", "A pair of clay cups", "Thrown in Khurja, glazed within.", Rupees(380), "6912", "12"),
    ];

    public static Tea? Find(string? id) => Teas.FirstOrDefault(t => t.Id == id);
    public static string Text(this Money price) => $"₹{price.MinorUnits / 100:N0}.{price.MinorUnits % 100:00}";
    static Money Rupees(int rupees) => new(rupees * 100, "INR");
}
