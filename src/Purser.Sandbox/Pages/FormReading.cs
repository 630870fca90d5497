using System.Globalization;

namespace Purser.Sandbox.Pages;

/// <summary>From the fields of a form to what the control API would have been given.</summary>
static class FormReading
{
    public static FaultRefusal? Rule(IFormCollection form, out FaultRule? rule)
    {
        rule = null;
        var numbers = new Dictionary<string, int?>();
        foreach (var field in (string[])["times", "after", "delay_ms", "status", "count"])
        {
            var text = form[field].ToString().Trim();
            if (text.Length == 0) numbers[field] = null;
            else if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) numbers[field] = number;
            else return new(field, $"{field} '{text}' is no whole number; write one such as 3, or leave it empty");
        }

        var usual = new FaultRule("", "");
        rule = new(form["call"].ToString(), form["fault"].ToString(), numbers["times"] ?? 0, numbers["after"] ?? 0, numbers["delay_ms"] ?? usual.DelayMs,
            Filled(form, "event"), numbers["status"], Filled(form, "variant"), numbers["count"] ?? usual.Count, form.ContainsKey("instead"), form.ContainsKey("stored"));
        return null;
    }

    /// <summary>Registers it when it is right.</summary>
    public static FaultRefusal? Endpoint(IFormCollection form, WebhookSender webhooks)
    {
        var url = Filled(form, "url");
        if (url is not null && !WebhookEndpoint.CanBe(url))
            return new("url", "The address must be absolute, such as http://127.0.0.1:8080/webhook; empty sends nothing");
        string[]? secrets = form.ContainsKey("unsigned") ? [] : Lines(form, "secrets") is { Length: > 0 } given ? given : null;
        webhooks.Register(url is null ? null : new Uri(url), secrets, Lines(form, "events"));
        return null;
    }

    public static FaultRefusal? Settings(IFormCollection form, out Dictionary<string, string> settings)
    {
        settings = [];
        foreach (var line in Lines(form, "settings"))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1) return new("settings", $"'{line}' is no switch; write name=value, one in each line");
            settings[line[..equals].Trim()] = line[(equals + 1)..].Trim();
        }

        return null;
    }

    static string? Filled(IFormCollection form, string field) => form[field].ToString().Trim() is { Length: > 0 } text ? text : null;

    static string[] Lines(IFormCollection form, string field) =>
        form[field].ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
