using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Configuration;
using Purser.Server.Mail;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Mail;

public sealed class MailOptionsTests
{
    [Fact]
    public void The_settings_of_the_guide_are_good()
    {
        var guide = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/mail.md"));
        var begin = guide.IndexOf("```json\n", StringComparison.Ordinal) + 8;
        using var json = new MemoryStream(Encoding.UTF8.GetBytes(guide[begin..guide.IndexOf("```", begin, StringComparison.Ordinal)]));
        var configuration = new ConfigurationBuilder().AddJsonStream(json).Build();
        var options = MailOptions.Of(configuration);
        options.Faults(configuration.GetSection(PurserOptions.Section).Get<PurserOptions>()!).ShouldBeEmpty();
        (options.Port, options.OperatorAddresses.Count, options.Sender.DisplayName).ShouldBe((587, 1, "Tea Shop"));
    }

    [Fact]
    public async Task The_doctor_asks_the_server_what_it_offers()
    {
        await using var server = await MailServer.Start();
        (await MailProbe.Ask(new MailOptions { Host = "127.0.0.1", Port = server.Port, Tls = "none" }, default)).ShouldBeNull();
        (await MailProbe.Ask(new MailOptions { Host = "127.0.0.1", Port = server.Port }, default))!.ShouldContain("STARTTLS");
        await server.DisposeAsync();
        (await MailProbe.Ask(new MailOptions { Host = "127.0.0.1", Port = server.Port }, default))!.ShouldContain("cannot be reached");
    }

    static string Here([CallerFilePath] string path = "") => path;

    static readonly PurserOptions Public = new() { PublicUrl = "https://pay.shop.example" };
    static readonly MailOptions Good = new() { Host = "smtp.example.com", From = "Tea Shop <pay@shop.example>", User = "relay", Password = "p", Operators = "money@shop.example" };

    [Fact]
    public void Good_settings_have_no_fault_and_none_are_needed()
    {
        Good.Faults(Public).ShouldBeEmpty();
        new MailOptions().Faults(new PurserOptions()).ShouldBeEmpty();
        new MailOptions().IsConfigured.ShouldBeFalse();
    }

    [Theory]
    [InlineData("Mail:Host is missing beside Mail:Operators,", "Mail:Operators", "money@shop.example")]
    [InlineData("Mail:Host is missing beside Mail:From, Mail:Port,", "Mail:From", "pay@shop.example", "Mail:Port", "25")]
    [InlineData("Mail:Host is missing beside Mail:TimeZone,", "Mail:TimeZone", "Asia/Kolkata")]
    [InlineData("Mail:Hots is no setting", "Mail:Hots", "smtp.example.com")]
    [InlineData("Mail:Mailbox is true and Purser:Demo is not", "Mail:Mailbox", "true")]
    [InlineData("Mail:Mailbox is true and Purser:Demo is not", "Mail:Mailbox", "true", "Mail:Host", "127.0.0.1", "Mail:From", "pay@shop.example")]
    public async Task Settings_that_would_tell_nobody_are_refused_at_the_start(string fault, params string[] set)
    {
        var settings = new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = "Host=127.0.0.1;Port=9", ["urls"] = "http://127.0.0.1:0" };
        foreach (var pair in set.Chunk(2)) settings[pair[0]] = pair[1];
        Faults(settings).ShouldHaveSingleItem().ShouldStartWith(fault);
        (await Should.ThrowAsync<StartFailureException>(() => ServerHost.Start([], settings))).Message.ShouldStartWith(fault);
    }

    [Theory]
    [InlineData]
    [InlineData("Mail:Host", "", "Mail:Port", null)]
    [InlineData("Mail:Ended", "true", "Mail:Operators", "money@shop.example")]
    [InlineData("Mail:Mailbox", "true", "Purser:Demo", "true", "Mail:TimeZone", "Asia/Kolkata")]
    [InlineData("Mail:Mailbox", "false")]
    // Invoices have the language and the zone of mails.
    [InlineData("Mail:TimeZone", "Asia/Kolkata", "Mail:Locale", "hi", "Purser:Invoices:Seller", "Leaf & Kettle")]
    public void Settings_that_promise_nothing_are_none(params string?[] set) =>
        Faults(set.Chunk(2).ToDictionary(s => s[0]!, s => s[1])).ShouldBeEmpty();

    static IEnumerable<string> Faults(IReadOnlyDictionary<string, string?> settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        return MailOptions.Faults(configuration, configuration.GetSection(PurserOptions.Section).Get<PurserOptions>() ?? new PurserOptions());
    }

    [Theory]
    [InlineData("Money Team <money@shop.example>")]
    [InlineData("größe@shop.example")]
    [InlineData("money @shop.example")]
    public async Task An_operator_that_no_mail_would_be_sent_to_is_named_before_the_first(string operators)
    {
        var line = new SmtpLine(Good, TimeProvider.System);
        (await line.Send(new Letter("<a@b>", [operators], "Subject", "Text", "Html"), default)).IsFinal.ShouldBeTrue();
        (Good with { Operators = $"ops@shop.example, {operators}" }).Faults(Public).ShouldHaveSingleItem().ShouldContain($"Mail:Operators has '{operators}'");
    }

    [Fact]
    public void A_sender_that_this_way_of_sending_cannot_write_is_named() =>
        (Good with { From = "Tea Shop <größe@shop.example>" }).Faults(Public).ShouldHaveSingleItem().ShouldContain("Mail:From is");

    [Fact]
    public void Each_kind_of_tls_has_its_own_port()
    {
        (Good with { Port = 465, Tls = "implicit" }).Faults(Public).ShouldBeEmpty();
        (Good with { Port = 465 }).Faults(Public).ShouldHaveSingleItem().ShouldContain("Set Mail:Tls to implicit");
        (Good with { Port = 587, Tls = "implicit" }).Faults(Public).ShouldHaveSingleItem().ShouldContain("Set Mail:Port to 465");
        (Good with { Tls = "ssl" }).Faults(Public).ShouldHaveSingleItem().ShouldContain("Mail:Tls is 'ssl'");
    }

    [Theory]
    [InlineData("Mail:Port", "587")]
    [InlineData("Mail:Tls", "in the open")]
    [InlineData("Mail:From", "the address that mails are from")]
    [InlineData("Mail:Operators", "money@shop.example")]
    [InlineData("Mail:TimeZone", "Asia/Kolkata")]
    [InlineData("Mail:Locale", "en, hi")]
    [InlineData("Mail:Password", "set both or none")]
    [InlineData("Mail:Host", "smtp.example.com")]
    [InlineData("Purser:PublicUrl", "shoppers reach")]
    public void Each_wrong_setting_is_named_with_its_remedy(string name, string remedy)
    {
        var wrong = name switch
        {
            "Mail:Port" => Good with { Port = 465 },
            "Mail:Tls" => Good with { Tls = "none" },
            "Mail:From" => Good with { From = "Shop\r\nBcc: all@else.example <pay@shop.example>" },
            "Mail:Operators" => Good with { Operators = "money@shop.example, nobody" },
            "Mail:TimeZone" => Good with { TimeZone = "India" },
            "Mail:Locale" => Good with { Locale = "fr" },
            "Mail:Password" => Good with { Password = null },
            "Mail:Host" => Good with { Host = "smtp://smtp.example.com" },
            _ => Good,
        };
        var fault = wrong.Faults(name == "Purser:PublicUrl" ? new PurserOptions() : Public).ShouldHaveSingleItem();
        fault.ShouldContain(name);
        fault.ShouldContain(remedy);
        fault.ShouldNotContain("Password is");
    }

    [Theory]
    [InlineData("Tea <pay@shöp.example>", "xn--shp-tna.example")]
    [InlineData("pay@चाय.example", "xn--61b6b2b.example")]
    [InlineData("pay@shop.example", "shop.example")]
    public void A_sender_s_domain_is_written_in_ASCII_where_nothing_else_may_stand(string from, string written)
    {
        new MailOptions { From = from }.SenderDomain.ShouldBe(written);
        // What is written is that domain's name and no other's.
        new System.Globalization.IdnMapping().GetUnicode(written).ShouldBe(new System.Net.Mail.MailAddress(from).Host);
    }
}
