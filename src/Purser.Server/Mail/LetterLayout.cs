using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Purser.Server.Mail;

/// <summary>The form of a mail: plain text, and HTML as the oldest mail programs read it: tables, inline styles, no script, no picture, nothing fetched.
/// Every text of the content is escaped here and nowhere else.</summary>
static class LetterLayout
{
    const string Font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'Noto Sans Devanagari','Nirmala UI',sans-serif;";

    public static string Text(LetterContent content, string merchant)
    {
        var text = new StringBuilder();
        void Line(string line = "") => text.Append(line).Append("\r\n");
        Line(Plain.Line(merchant));
        Line();
        Line(Plain.Line(content.Headline));
        Line();
        foreach (var paragraph in content.Words)
        {
            Line(Plain.Line(paragraph));
            Line();
        }
        foreach (var (name, amount) in content.Lines) Line(Plain.Line(amount.Length > 0 ? $"{name}: {amount}" : name));
        if (content.Lines.Length > 0) Line();
        foreach (var (label, value) in content.Facts) Line(Plain.Line($"{label}: {value}"));
        if (content.Facts.Length > 0) Line();
        if (content.Button is { } button)
        {
            Line($"{Plain.Line(button.Text)}:");
            Line(button.Url);
            Line();
        }
        Line("-- ");
        foreach (var closing in content.Closing) Line(Plain.Line(closing));
        return text.ToString();
    }

    public static string Html(LetterContent content, string merchant)
    {
        var (edge, soft) = content.Tone switch
        {
            LetterTone.Good => ("#1b6e4a", "#e7f3ec"),
            LetterTone.Care => ("#9a4a06", "#fbefe1"),
            _ => ("#3d5168", "#eaeff4"),
        };
        var html = new StringBuilder();
        html.Append($"""
            <!DOCTYPE html>
            <html lang="{E(content.Locale)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light">
            <meta name="format-detection" content="telephone=no, date=no, address=no, email=no"><title>{E(content.Headline)}</title></head>
            <body style="margin:0;padding:0;background-color:#f3f1ec;">
            <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background-color:#f3f1ec;"><tr><td align="center" style="padding:24px 12px;">
            <div role="main">
            <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;background-color:#ffffff;border-radius:12px;border-collapse:separate;">
            <tr><td align="left" style="padding:24px 24px 0 24px;{Font}font-size:15px;line-height:22px;font-weight:bold;color:#4b5563;">{E(merchant)}</td></tr>
            <tr><td align="left" style="padding:16px 24px 0 24px;"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>
            <td align="left" style="padding:14px 16px;background-color:{soft};border-left:4px solid {edge};"><h1 style="margin:0;{Font}font-size:22px;line-height:30px;font-weight:bold;color:{edge};">{E(content.Headline)}</h1></td></tr></table></td></tr>

            """);
        foreach (var paragraph in content.Words) html.Append($"<tr><td align=\"left\" style=\"padding:16px 24px 0 24px;{Font}font-size:16px;line-height:24px;color:#1c2430;\">{E(paragraph)}</td></tr>\n");
        if (content.Lines.Length > 0) Rows(html, content.Lines, areAmounts: true);
        if (content.Button is { } button)
            html.Append($"""
                <tr><td align="left" style="padding:24px 24px 0 24px;"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" style="background-color:#1f3a5f;border-radius:10px;">
                <a href="{E(button.Url)}" style="display:inline-block;padding:13px 24px;{Font}font-size:16px;line-height:22px;font-weight:bold;color:#ffffff;text-decoration:none;">{E(button.Text)}</a></td></tr></table></td></tr>

                """);
        if (content.Facts.Length > 0) Rows(html, content.Facts, areAmounts: false);
        html.Append("<tr><td style=\"padding:24px 24px 0 24px;\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td style=\"border-top:1px solid #e2ded5;font-size:1px;line-height:1px;\">&nbsp;</td></tr></table></td></tr>\n");
        foreach (var closing in content.Closing) html.Append($"<tr><td align=\"left\" style=\"padding:8px 24px 0 24px;{Font}font-size:13px;line-height:20px;color:#5b6470;word-break:break-word;\">{E(closing)}</td></tr>\n");
        html.Append("<tr><td style=\"padding:0 0 24px 0;font-size:1px;line-height:1px;\">&nbsp;</td></tr>\n</table></div></td></tr></table>\n</body></html>\n");
        return html.ToString();
    }

    /// <summary>Names on the left, amounts or values on the right. Amounts and the names of facts stay in one piece, the rest may break anywhere, so that
    /// nothing is cut off on a phone. The last amount is the sum.</summary>
    static void Rows(StringBuilder html, ImmutableArray<(string Name, string Value)> rows, bool areAmounts)
    {
        html.Append("<tr><td align=\"left\" style=\"padding:20px 24px 0 24px;\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n");
        for (var i = 0; i < rows.Length; i++)
        {
            const string Whole = "white-space:nowrap;";
            const string Breaks = "word-break:break-word;";
            var weight = areAmounts && i == rows.Length - 1 ? "bold" : "normal";
            var cell = $"padding:8px 0;border-top:1px solid #e2ded5;{Font}font-size:15px;line-height:22px;font-weight:{weight};";
            html.Append($"<tr><td align=\"left\" valign=\"top\" style=\"{cell}{(areAmounts ? Breaks : Whole)}color:#4b5563;padding-right:16px;\">{E(rows[i].Name)}</td>"
                + $"<td align=\"right\" valign=\"top\" style=\"{cell}{(areAmounts ? Whole : Breaks)}color:#1c2430;\">{E(rows[i].Value)}</td></tr>\n");
        }
        html.Append("</table></td></tr>\n");
    }

    static string E(string text) => WebUtility.HtmlEncode(Plain.Line(text));
}
