using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using Purser.Server.Webhooks;

namespace Purser.Server.Tests.Webhooks;

/// <summary>What a stranger can make the webhook address spend: nothing that they did not send.</summary>
public sealed class WebhookEdgeTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_message_costs_as_much_memory_as_was_received_and_not_as_was_promised()
    {
        var body = new Trickle(10_000);
        var http = new DefaultHttpContext { Request = { Body = body, ContentLength = WebhookEndpoints.MostBytes, Method = "POST", Path = "/gateways/first/webhook" } };
        var message = await WebhookEndpoints.ReadRaw(http, TimeProvider.System);
        message!.Body.Length.ShouldBe(10_000);
        body.LargestAsked.ShouldBeLessThan(32 * 1024);
    }

    [Theory]
    [InlineData(256 * 1024, true)]
    [InlineData(256 * 1024 + 1, false)]
    public async Task A_message_is_read_whole_or_not_at_all(int bytes, bool read)
    {
        var http = new DefaultHttpContext { Request = { Body = new Trickle(bytes), Method = "POST", Path = "/gateways/first/webhook" } };
        var message = await WebhookEndpoints.ReadRaw(http, TimeProvider.System);
        (message?.Body.Length).ShouldBe(read ? bytes : null);
        if (read) message!.Body.Span.IndexOfAnyExcept((byte)'x').ShouldBe(-1);
    }

    [Fact]
    public async Task An_account_that_we_do_not_have_is_answered_before_its_message_came()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        using var raw = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await raw.ConnectAsync(IPAddress.Loopback, new Uri(house.Host.Url).Port);
        await raw.SendAsync(Encoding.ASCII.GetBytes("POST /gateways/none/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n"));
        var buffer = new byte[1024];
        var length = await raw.ReceiveAsync(buffer, patience.Token);
        Encoding.ASCII.GetString(buffer, 0, length).ShouldStartWith("HTTP/1.1 404");
    }

    /// <summary>A body that comes in small pieces.</summary>
    sealed class Trickle(int bytes) : Stream
    {
        int left = bytes;

        public int LargestAsked { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            LargestAsked = Math.Max(LargestAsked, buffer.Length);
            var count = Math.Min(Math.Min(left, 1000), buffer.Length);
            buffer.Span[..count].Fill((byte)'x');
            left -= count;
            return ValueTask.FromResult(count);
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
