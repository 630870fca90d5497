using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Purser.Gateways.Tests.Outside;
using Purser.Sandbox.CCAvenue;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>CCAvenue's wire as a merchant writes it by hand.</summary>
sealed class CCAvenueSimulatorSession(World world, Gateway gateway)
{
    public const string AccessCode = "AVSB00PURSER01SBOX", Key = "5A4B3C2D1E0F69788796A5B4C3D2E1F0";

    public const string FormPath = "/transaction/transaction.do?command=initiateTransaction", ApiPath = "/apis/servlet/DoWebTrans";

    public Gateway Gateway => gateway;

    /// <summary>The newer way to encrypt.</summary>
    public bool Sealed { get; set; }

    public static Dictionary<string, string> Form(string order, params (string Name, string Value)[] more)
    {
        var form = new Dictionary<string, string>
        {
            ["merchant_id"] = "424242",
            ["order_id"] = order,
            ["currency"] = "INR",
            ["amount"] = "1250.50",
            ["redirect_url"] = "https://pay.example.test/cb/ccavenue",
            ["cancel_url"] = "https://pay.example.test/cb/ccavenue",
            ["language"] = "EN",
            ["merchant_param1"] = "att_01",
        };
        foreach (var (name, value) in more) form[name] = value;
        return form;
    }

    public static string Text(Dictionary<string, string> fields) => string.Join('&', fields.Select(f => $"{f.Key}={f.Value}"));

    public static string Encrypt(string text, string key = Key) => CCAvenueCipher.EncryptClassic(text, key);

    public static Dictionary<string, string> Said(string hex, bool isSealed = false) =>
        Open(hex, isSealed).Split('&').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);

    public void StandStill() => world.StandStill();

    public Task Set(object settings) => world.Put("/control/ccavenue/settings", settings);

    public Task<(int Status, string Page)> Post(Dictionary<string, string> form) => PostRaw(Closed(Text(form)), AccessCode);

    public async Task<(int Status, string Page)> PostRaw(string? hex, string accessCode, string command = "initiateTransaction")
    {
        var fields = new Dictionary<string, string> { ["access_code"] = accessCode };
        if (hex is not null) fields["encRequest"] = hex;
        using var answer = await gateway.Http.PostAsync(new Uri($"/transaction/transaction.do?command={command}", UriKind.Relative), new FormUrlEncodedContent(fields));
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async Task<(int Status, string Page)> Frame(Dictionary<string, string> form)
    {
        using var answer = await gateway.Http.GetAsync(new Uri($"{FormPath}&merchant_id=424242&access_code={AccessCode}&encRequest={Encrypt(Text(form))}", UriKind.Relative));
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What the browser carries back.</summary>
    public async Task<Dictionary<string, string>> Return(string order, string outcome, string url)
    {
        var (_, result) = await gateway.Shopper(order, outcome);
        result["return_url"]!.ToString().ShouldBe(url, result.ToJsonString());
        var form = result["return_form"]!.AsObject();
        form.Select(f => f.Key).ShouldBe(["encResp", "orderNo", "crossSellUrl"]);
        form["orderNo"]!.ToString().ShouldBe(order);
        return Said(form["encResp"]!.ToString(), Sealed);
    }

    /// <summary>What the notifications said, once there are so many.</summary>
    public async Task<List<Dictionary<string, string>>> Told(int least) =>
        [.. (await world.Hear(least)).Select(h => Said(QueryHelpers.ParseQuery(h.Text)["encResp"].ToString(), Sealed))];

    /// <summary>The body of an answer as it came.</summary>
    public async Task<string> Raw(Dictionary<string, string> fields)
    {
        using var answer = await gateway.Http.PostAsync(new Uri(ApiPath, UriKind.Relative), new FormUrlEncodedContent(fields));
        ((int)answer.StatusCode).ShouldBe(200);
        return await answer.Content.ReadAsStringAsync();
    }

    public Dictionary<string, string> Envelope(string command, string json, string version) => new()
    {
        ["enc_request"] = Closed(json),
        ["access_code"] = AccessCode,
        ["command"] = command,
        ["request_type"] = "JSON",
        ["response_type"] = "JSON",
        ["version"] = version,
    };

    public async Task<JsonNode> Ask(string command, object asked, string version = "1.2")
    {
        var body = await Raw(Envelope(command, System.Text.Json.JsonSerializer.Serialize(asked), version));
        body.ShouldStartWith("status=0&enc_response=");
        body.ShouldContain("\r\n");
        return Opened(body, Sealed);
    }

    /// <summary>What an answer of the API says.</summary>
    public static JsonNode Opened(string body, bool isSealed = false) => JsonNode.Parse(Open(body["status=0&enc_response=".Length..].Split("\r\n")[0], isSealed))!;

    public Task<JsonNode> Track(string order) => Ask("orderStatusTracker", new { order_no = order });

    public async Task<JsonArray> LookUp(string order)
    {
        var told = await Ask("orderLookup", new { from_date = "01-01-2020", order_no = order, page_number = 1 });
        return told["order_Status_List"]!.AsArray();
    }

    public async Task Becomes(string order, string status)
    {
        var seen = "";
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < World.Patience && seen != status; await Task.Delay(20))
            seen = (await Track(order))["order_status"]!.ToString();
        seen.ShouldBe(status);
    }

    string Closed(string text) => Sealed ? CCAvenueCipher.EncryptSealed(text, Key, Encoding.ASCII.GetBytes("a nonce of 16 bt")) : Encrypt(text);

    static string Open(string hex, bool isSealed) => (isSealed ? CCAvenueCipher.DecryptSealed(hex, Key) : CCAvenueCipher.DecryptClassic(hex, Key)).ShouldNotBeNull();
}
