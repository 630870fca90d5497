using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Purser.Server.Deliveries;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>Where webhooks may go, and what may come back from there.</summary>
public sealed class AddressTests
{
    static readonly DeliveryOptions Development = new() { Development = true };

    [Theory]
    [InlineData("0.0.0.0"), InlineData("10.0.0.1"), InlineData("100.64.0.1"), InlineData("127.0.0.1"), InlineData("127.9.9.9"), InlineData("169.254.169.254")]
    [InlineData("172.16.0.1"), InlineData("172.31.255.255"), InlineData("192.0.0.8"), InlineData("192.0.2.1"), InlineData("192.88.99.1"), InlineData("192.168.1.1")]
    [InlineData("198.18.0.1"), InlineData("198.51.100.1"), InlineData("203.0.113.1"), InlineData("224.0.0.1"), InlineData("240.0.0.1"), InlineData("255.255.255.255"), InlineData("168.63.129.16")]
    [InlineData("::"), InlineData("::1"), InlineData("::127.0.0.1"), InlineData("::ffff:127.0.0.1"), InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::7f00:1"), InlineData("64:ff9b::808:808"), InlineData("64:ff9b:1::1"), InlineData("100::1"), InlineData("2001::1"), InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::"), InlineData("3fff::1"), InlineData("5f00::1"), InlineData("fc00::1"), InlineData("fd12:3456::1"), InlineData("fe80::1"), InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void An_address_that_is_not_public_is_refused(string address)
    {
        new AddressGuard(new DeliveryOptions()).Allows(IPAddress.Parse(address)).ShouldBeFalse();
        new AddressGuard(new DeliveryOptions()).Fault(address.Contains(':', StringComparison.Ordinal) ? $"https://[{address}]/" : $"https://{address}/").ShouldNotBeNull();
    }

    [Theory]
    [InlineData("8.8.8.8"), InlineData("1.1.1.1"), InlineData("172.32.0.1"), InlineData("100.128.0.1"), InlineData("192.169.0.1"), InlineData("::ffff:8.8.8.8"), InlineData("2606:4700::1111"), InlineData("2a00:1450::1")]
    public void A_public_address_is_allowed(string address) => new AddressGuard(new DeliveryOptions()).Allows(IPAddress.Parse(address)).ShouldBeTrue();

    [Fact]
    public void Development_adds_this_machine_and_a_list_adds_networks_and_nothing_else()
    {
        new AddressGuard(Development).Allows(IPAddress.Loopback).ShouldBeTrue();
        new AddressGuard(Development).Allows(IPAddress.IPv6Loopback).ShouldBeTrue();
        new AddressGuard(Development).Allows(IPAddress.Parse("10.1.2.3")).ShouldBeFalse();
        var listed = new AddressGuard(new DeliveryOptions { AllowedNetworks = "10.1.0.0/16, fd00::/8" });
        listed.Allows(IPAddress.Parse("10.1.2.3")).ShouldBeTrue();
        listed.Allows(IPAddress.Parse("fd00::5")).ShouldBeTrue();
        listed.Allows(IPAddress.Parse("10.2.0.1")).ShouldBeFalse();
        listed.Allows(IPAddress.Loopback).ShouldBeFalse();
        new DeliveryOptions { AllowedNetworks = "10.1.0.0/16, here" }.Faults().ShouldHaveSingleItem().ShouldContain("here");
    }

    [Fact]
    public async Task The_machine_s_own_addresses_are_no_receivers_unless_they_are_listed()
    {
        var asked = 0;
        IEnumerable<IPAddress> Own()
        {
            Interlocked.Increment(ref asked);
            return [IPAddress.Loopback, IPAddress.Parse("8.8.4.4"), IPAddress.Parse("::ffff:9.9.9.9"), IPAddress.Parse("2606:4700::1111")];
        }
        var options = new DeliveryOptions();
        var guard = new AddressGuard(options, Own);
        foreach (var own in (string[])["8.8.4.4", "::ffff:8.8.4.4", "9.9.9.9", "2606:4700::1111"])
        {
            guard.Allows(IPAddress.Parse(own)).ShouldBeFalse(own);
            guard.Fault(own.Contains(':', StringComparison.Ordinal) ? $"https://[{own}]/" : $"https://{own}/").ShouldBe("is not a public address, or is this machine's own");
        }
        guard.Allows(IPAddress.Parse("8.8.8.8")).ShouldBeTrue();
        new AddressGuard(Development, Own).Allows(IPAddress.Parse("8.8.4.4")).ShouldBeTrue();
        new AddressGuard(new DeliveryOptions { AllowedNetworks = "8.8.4.0/24" }, Own).Allows(IPAddress.Parse("8.8.4.4")).ShouldBeTrue();

        // A name that leads here: neither kept nor connected to, also beside another address.
        foreach (var named in new IPAddress[][] { [IPAddress.Parse("8.8.4.4")], [IPAddress.Parse("8.8.8.8"), IPAddress.Parse("8.8.4.4")] })
        {
            using var line = new WebhookLine(guard, options, (_, _) => Task.FromResult(named), TimeProvider.System);
            (await line.MayReach("https://shop.example/", default)).ShouldBeFalse();
            asked = 0;
            (await Send(line, "https://shop.example/")).Trouble.ShouldNotBeNull().ShouldStartWith("No connection");
            asked.ShouldBe(named.Length);
        }
        // The system tells them.
        AddressGuard.OfInterfaces().ShouldContain(IPAddress.Loopback);
    }

    [Theory]
    [InlineData("http://8.8.8.8/"), InlineData("ftp://8.8.8.8/"), InlineData("https://user@8.8.8.8/"), InlineData("https://8.8.8.8/#x"), InlineData("shop.example"), InlineData("https:///x")]
    [InlineData("https://0x7f.1/"), InlineData("https://2130706433/"), InlineData("https://017700000001/"), InlineData("https://127.1/"), InlineData("https://[::ffff:7f00:1]/")]
    [InlineData("https://0xa9fea9fe/"), InlineData("https://[fe80::1%25eth0]/"), InlineData("https://éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé.example/")]
    public void An_address_is_refused_however_it_is_written(string url) => new AddressGuard(new DeliveryOptions()).Fault(url).ShouldNotBeNull();

    [Theory]
    [InlineData("https://8.8.8.8/", true, true), InlineData("https://8.8.8.8:443/", true, true), InlineData("https://8.8.8.8:8443/", false, true), InlineData("https://8.8.8.8:5432/", false, false)]
    [InlineData("https://shop.example:22/", false, false), InlineData("https://shop.example:80/", false, false)]
    public async Task Only_ports_for_webhooks_may_be_named(string url, bool usual, bool listed)
    {
        new AddressGuard(new DeliveryOptions()).Fault(url).ShouldBe(usual ? null : "names another port than 443: Deliveries:Ports allows more");
        var two = new DeliveryOptions { Ports = "443, 8443" };
        (new AddressGuard(two).Fault(url) is null).ShouldBe(listed);
        new AddressGuard(Development).Fault(url).ShouldBeNull();
        // Kept before the setting was changed: nothing is asked for, not even the name.
        if (listed) return;
        using var line = new WebhookLine(new AddressGuard(two), two, (_, _) => throw new InvalidOperationException("It must not be looked up."), TimeProvider.System);
        (await Send(line, url)).Trouble.ShouldNotBeNull().ShouldStartWith("No connection");
    }

    [Fact]
    public void A_port_that_is_none_is_named_at_the_start()
    {
        new DeliveryOptions { Ports = "443, https" }.Faults().ShouldHaveSingleItem().ShouldContain("'https'");
        new DeliveryOptions { Ports = "65536" }.Faults().ShouldHaveSingleItem().ShouldContain("65536");
        new DeliveryOptions { Ports = " " }.Faults().ShouldHaveSingleItem().ShouldContain("empty");
    }

    [Fact]
    public async Task The_address_that_was_checked_is_the_one_that_is_connected_to()
    {
        using var inside = new TcpListener(IPAddress.Loopback, 0);
        inside.Start();
        var port = $"{((IPEndPoint)inside.LocalEndpoint).Port}";
        var url = $"https://shop.example:{port}/";
        IPAddress[] now = [IPAddress.Parse("8.8.8.8")];
        WebhookLine Line(DeliveryOptions options) => new(new AddressGuard(options), options, (_, _) => Task.FromResult(now), TimeProvider.System);
        using var line = Line(new DeliveryOptions { Ports = port });
        (await line.MayReach(url, default)).ShouldBeTrue();

        // The name means another address by the time it is used; and beside a public one it is no better.
        foreach (var rebound in new IPAddress[][] { [IPAddress.Loopback], [IPAddress.Loopback, IPAddress.Parse("8.8.8.8")], [IPAddress.Parse("::ffff:127.0.0.1")] })
        {
            now = rebound;
            (await line.MayReach(url, default)).ShouldBeFalse();
            (await Send(line, url)).Trouble.ShouldNotBeNull().ShouldStartWith("No connection");
            inside.Pending().ShouldBeFalse();
        }
        // The same way is open where the network is allowed: so it was the guard that held.
        now = [IPAddress.Loopback];
        using var allowed = Line(new DeliveryOptions { AllowedNetworks = "127.0.0.0/8", Ports = port, TimeOut = TimeSpan.FromSeconds(60) });
        var sending = Send(allowed, url);
        using (await inside.AcceptSocketAsync()) { }
        (await sending).IsDelivered.ShouldBeFalse();
    }

    static Task<DeliveryAnswer> Send(WebhookLine line, string url) => line.Send(url, "evt_1", "{}"u8.ToArray(), [WebhookSignature.NewSecret()], default);

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var receiver = await TestReceiver.Open();
        using var line = new WebhookLine(new AddressGuard(Development), Development, Dns.GetHostAddressesAsync, TimeProvider.System);
        foreach (var status in new[] { 301, 302, 303, 307, 308 })
        {
            receiver.Does = (http, _) =>
            {
                (http.Response.StatusCode, http.Response.Headers.Location) = (status, $"{receiver.Url}/inside");
                return Task.CompletedTask;
            };
            var answer = await Send(line, $"{receiver.Url}/hook");
            (answer.Status, answer.IsDelivered).ShouldBe((status, false));
        }
        receiver.At("/hook").Count.ShouldBe(5);
        receiver.At("/inside").ShouldBeEmpty();
    }

    [Fact]
    public async Task Answers_that_are_big_slow_or_none_are_cut()
    {
        await using var receiver = await TestReceiver.Open();
        using var line = Waiting(60);
        using var hasty = Waiting(3);
        receiver.Does = async (http, h) =>
        {
            switch (h.Path)
            {
                case "/endless":
                    while (!http.RequestAborted.IsCancellationRequested) await http.Response.WriteAsync(new string('x', 1000), http.RequestAborted);
                    break;
                case "/drip":
                    await http.Response.WriteAsync("so far");
                    await http.Response.Body.FlushAsync();
                    await Task.Delay(Timeout.Infinite, http.RequestAborted);
                    break;
                case "/silent":
                    await Task.Delay(Timeout.Infinite, http.RequestAborted);
                    break;
                case "/headers":
                    for (var i = 0; i < 40; i++) http.Response.Headers.Append($"x-{i}", new string('x', 1000));
                    break;
                default:
                    http.Abort();
                    break;
            }
        };
        var endless = await Send(line, $"{receiver.Url}/endless");
        (endless.IsDelivered, endless.Text!.Length).ShouldBe((true, 4096));
        var drip = await Send(hasty, $"{receiver.Url}/drip");
        (drip.IsDelivered, drip.Text).ShouldBe((true, "so far"));
        (await Send(hasty, $"{receiver.Url}/silent")).Trouble.ShouldBe("No answer within 3 seconds.");
        (await Send(line, $"{receiver.Url}/headers")).Trouble.ShouldBe("The answer was not HTTP, or broke off.");
        (await Send(line, $"{receiver.Url}/abort")).IsDelivered.ShouldBeFalse();
        (await Send(line, "http://127.0.0.1:1/")).Trouble.ShouldNotBeNull().ShouldStartWith("No connection");

        static WebhookLine Waiting(int seconds)
        {
            var options = Development with { TimeOut = TimeSpan.FromSeconds(seconds) };
            return new(new AddressGuard(options), options, Dns.GetHostAddressesAsync, TimeProvider.System);
        }
    }

    [Fact]
    public void Waits_grow_by_chance_and_heed_the_receiver_within_limits()
    {
        for (var failures = 1; failures <= DeliverySchedule.Waits.Count; failures++)
        {
            var wait = DeliverySchedule.Waits[failures - 1];
            var drawn = Enumerable.Range(0, 100).Select(_ => DeliverySchedule.After(failures, null)!.Value).ToList();
            drawn.ShouldAllBe(w => w >= wait && w <= wait * 1.2);
            drawn.Distinct().Count().ShouldBeGreaterThan(10);
        }
        DeliverySchedule.After(DeliverySchedule.Waits.Count + 1, null).ShouldBeNull();
        DeliverySchedule.After(1, TimeSpan.FromSeconds(8))!.Value.ShouldBeInRange(TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(9.6));
        DeliverySchedule.After(1, TimeSpan.FromDays(8))!.Value.ShouldBeInRange(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(12));
        DeliverySchedule.After(1, TimeSpan.FromSeconds(-8))!.Value.ShouldBeInRange(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(6));
    }
}
