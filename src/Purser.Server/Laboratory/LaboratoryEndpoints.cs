using System.Collections.Immutable;
using System.Text;
using Purser.Gateways;
using Purser.Server.Checkout;

namespace Purser.Server.Laboratory;

/// <summary>/laboratory: the signature laboratory as a page. Only where the start page is for development: it takes secrets, though it keeps none.</summary>
static class LaboratoryEndpoints
{
    const int MostBytes = 512 * 1024;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ExcludeFromDescription();
        pages.MapGet("/laboratory", (HttpContext http, ShopperDoor door, Pages show) => Show(http, door, show));
        pages.MapPost("/laboratory", Compute);
    }

    static async Task<IResult> Compute(HttpContext http, ShopperDoor door, Pages show)
    {
        if (!door.Options.Demo) return await door.NotFound(http);
        if (http.Request.ContentLength is null or > MostBytes || !http.Request.HasFormContentType) return await Show(http, door, show, complaint: "A message has 512 kB at most.");
        IFormCollection form;
        try
        {
            form = await http.Request.ReadFormAsync(http.RequestAborted);
        }
        catch (Exception e) when (e is InvalidDataException or BadHttpRequestException or IOException)
        {
            return await Show(http, door, show, complaint: "The form could not be read.");
        }
        var (name, settings, text) = (form["gateway"].ToString(), form["settings"].ToString(), form["message"].ToString());
        var gateway = Gateways.FirstOrDefault(g => g.Profile.Name == name);
        if (gateway is not IShowSignatures shows) return await Show(http, door, show, complaint: "Choose a gateway.");

        var account = new GatewayAccount("laboratory", name, gateway.Profile.BaseUrl, ImmutableDictionary<string, string>.Empty);
        var shownAgain = new List<string>();
        string? wrong = null;
        foreach (var line in settings.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            var setting = equals < 1 ? null : gateway.Profile.Settings.FirstOrDefault(s => s.Name == line[..equals].Trim());
            if (setting is null)
            {
                wrong ??= $"A line of the settings names none of {string.Join(", ", gateway.Profile.Settings.Select(s => s.Name))}; write name=value.";
                continue;
            }
            var value = line[(equals + 1)..].Trim();
            // A key or certificate has lines of its own; here it is written in one.
            account = account with { Settings = account.Settings.SetItem(setting.Name, setting.Lines ? value.Replace("\\n", "\n", StringComparison.Ordinal) : value) };
            shownAgain.Add(setting.Secret ? $"{setting.Name}=" : $"{setting.Name}={value}");
        }
        // No secret goes back into the page, not into its fields either.
        settings = string.Join('\n', shownAgain);
        text = SignatureLaboratory.Without(SignatureLaboratory.Secrets(shows, account), text);
        if (wrong is not null) return await Show(http, door, show, name, settings, text, wrong);
        // A browser makes every line end of a text a carriage return and a line feed; what was sent rarely has them.
        var bytes = form.Files.GetFile("file") is { Length: > 0 } file ? await Bytes(file, http.RequestAborted) : Encoding.UTF8.GetBytes(form["message"].ToString().ReplaceLineEndings("\n"));
        var message = PastedMessage.Read(bytes, http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow());
        return await Show(http, door, show, name, settings, text, found: SignatureLaboratory.Compute(shows, null, message, account));
    }

    static async Task<byte[]> Bytes(IFormFile file, CancellationToken stop)
    {
        using var all = new MemoryStream();
        await file.CopyToAsync(all, stop);
        return all.ToArray();
    }

    static async Task<IResult> Show(
        HttpContext http, ShopperDoor door, Pages show, string? gateway = null, string? settings = null, string? message = null, string? complaint = null,
        IReadOnlyList<Finding>? found = null) => !door.Options.Demo ? await door.NotFound(http) : await show.Show<LaboratoryPage>(http, new()
        {
            [nameof(LaboratoryPage.Options)] = door.Options,
            [nameof(LaboratoryPage.Known)] = SignatureLaboratory.Gateways(Gateways),
            [nameof(LaboratoryPage.Gateway)] = gateway,
            [nameof(LaboratoryPage.Settings)] = settings,
            [nameof(LaboratoryPage.Message)] = message,
            [nameof(LaboratoryPage.Complaint)] = complaint,
            [nameof(LaboratoryPage.Found)] = found,
        }, complaint is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);

    static readonly ImmutableArray<IGateway> Gateways = [.. new GatewayCatalog(typeof(IGateway).Assembly).Gateways];
}
