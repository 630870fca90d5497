using System.Collections.Immutable;

namespace Purser.Invoices;

/// <summary>A state or union territory of India, as the Goods and Services Tax counts them.</summary>
/// <param name="Letters">ISO 3166-2, without IN-.</param>
/// <param name="Code">The two digits that a GSTIN begins with.</param>
/// <param name="HasNoLegislature">A union territory whose half of the tax is UTGST.</param>
public sealed record IndianState(string Letters, string Code, string Name, string Hindi, bool HasNoLegislature = false)
{
    public static ImmutableArray<IndianState> All { get; } =
    [
        new("JK", "01", "Jammu and Kashmir", "जम्मू और कश्मीर"), new("HP", "02", "Himachal Pradesh", "हिमाचल प्रदेश"), new("PB", "03", "Punjab", "पंजाब"),
        new("CH", "04", "Chandigarh", "चंडीगढ़", true), new("UK", "05", "Uttarakhand", "उत्तराखंड"), new("HR", "06", "Haryana", "हरियाणा"),
        new("DL", "07", "Delhi", "दिल्ली"), new("RJ", "08", "Rajasthan", "राजस्थान"), new("UP", "09", "Uttar Pradesh", "उत्तर प्रदेश"),
        new("BR", "10", "Bihar", "बिहार"), new("SK", "11", "Sikkim", "सिक्किम"), new("AR", "12", "Arunachal Pradesh", "अरुणाचल प्रदेश"),
        new("NL", "13", "Nagaland", "नागालैंड"), new("MN", "14", "Manipur", "मणिपुर"), new("MZ", "15", "Mizoram", "मिज़ोरम"),
        new("TR", "16", "Tripura", "त्रिपुरा"), new("ML", "17", "Meghalaya", "मेघालय"), new("AS", "18", "Assam", "असम"),
        new("WB", "19", "West Bengal", "पश्चिम बंगाल"), new("JH", "20", "Jharkhand", "झारखंड"), new("OD", "21", "Odisha", "ओडिशा"),
        new("CG", "22", "Chhattisgarh", "छत्तीसगढ़"), new("MP", "23", "Madhya Pradesh", "मध्य प्रदेश"), new("GJ", "24", "Gujarat", "गुजरात"),
        new("DH", "26", "Dadra and Nagar Haveli and Daman and Diu", "दादरा और नगर हवेली और दमन और दीव", true), new("MH", "27", "Maharashtra", "महाराष्ट्र"),
        new("KA", "29", "Karnataka", "कर्नाटक"), new("GA", "30", "Goa", "गोवा"), new("LD", "31", "Lakshadweep", "लक्षद्वीप", true),
        new("KL", "32", "Kerala", "केरल"), new("TN", "33", "Tamil Nadu", "तमिलनाडु"), new("PY", "34", "Puducherry", "पुदुचेरी"),
        new("AN", "35", "Andaman and Nicobar Islands", "अंडमान और निकोबार द्वीपसमूह", true), new("TS", "36", "Telangana", "तेलंगाना"),
        new("AP", "37", "Andhra Pradesh", "आंध्र प्रदेश"), new("LA", "38", "Ladakh", "लद्दाख", true),
    ];

    /// <summary>Letters that ISO 3166-2 had until 2023, and that address books still have.</summary>
    static readonly Dictionary<string, string> Former = new() { ["OR"] = "OD", ["CT"] = "CG", ["TG"] = "TS", ["UT"] = "UK", ["DN"] = "DH", ["DD"] = "DH" };

    /// <summary>By its letters or its two digits.</summary>
    public static IndianState? Find(string? text)
    {
        if (text is null) return null;
        var letters = Former.GetValueOrDefault(text, text);
        return All.FirstOrDefault(s => s.Letters == letters || s.Code == text);
    }
}

/// <summary>Where a supply counts as made, and which taxes follow. For goods and services sold to people in India this is where the buyer is; where no address
/// is known, where the seller is (section 12 of the IGST Act).</summary>
public static class PlaceOfSupply
{
    public const string India = "IN";

    /// <summary>Null: beyond India's border.</summary>
    /// <param name="country">The buyer's; null is India.</param>
    /// <param name="state">The buyer's; null where it is not known.</param>
    public static IndianState? Of(IndianState seller, string? country, IndianState? state) => country is null or India ? state ?? seller : null;

    public static ImmutableArray<Tax> Taxes(IndianState seller, IndianState? place) =>
        place != seller ? [Tax.Igst] : [Tax.Cgst, seller.HasNoLegislature ? Tax.Utgst : Tax.Sgst];
}

/// <summary>India's number of a taxable person: state, PAN, entity, Z and a check character.</summary>
public static class Gstin
{
    const string Characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    public const int Length = 15;

    /// <summary>Its form and its check character are right. Whether it was ever given out is not known here.</summary>
    public static bool IsWellFormed(string text)
    {
        if (text.Length != Length || text.Any(c => !Characters.Contains(c, StringComparison.Ordinal)) || IndianState.Find(text[..2]) is null) return false;
        var sum = 0;
        for (var i = 0; i < Length - 1; i++)
        {
            var weighed = Characters.IndexOf(text[i], StringComparison.Ordinal) * (i % 2 + 1);
            sum += weighed / Characters.Length + weighed % Characters.Length;
        }
        return Characters[(Characters.Length - sum % Characters.Length) % Characters.Length] == text[^1];
    }

    public static IndianState? StateOf(string? text) => text is { Length: Length } && IsWellFormed(text) ? IndianState.Find(text[..2]) : null;
}
