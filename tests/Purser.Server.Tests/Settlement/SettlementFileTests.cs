using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Purser.Reconciliation;
using Purser.Server.Api;
using Purser.Server.Settlement;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

public sealed class SettlementFileTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>As many lines of one key are one group's, and a group is one cell.</summary>
    [Fact]
    public void A_cell_of_any_length_is_read_as_it_was_written()
    {
        var (written, cell) = (new BinaryCopy(), new byte[200_000]);
        new Random(7).NextBytes(cell);
        written.Begin();
        foreach (var length in new[] { 5, cell.Length, 1 })
        {
            written.Row(1);
            written.Write(cell.AsSpan(0, length));
        }
        var read = new BinaryCopyRows(new MemoryStream(written.Complete().ToArray()));
        read.Begin();
        foreach (var length in new[] { 5, cell.Length, 1 })
        {
            read.Next().ShouldBeTrue();
            read.Cell().SequenceEqual(cell.AsSpan(0, length)).ShouldBeTrue();
        }
        read.Next().ShouldBeFalse();
    }

    [Fact]
    public async Task A_file_is_kept_byte_for_byte_read_and_told_by_class()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (paid, pending) = (await house.Paid(), await house.Pending());
        var file = Statement(Line("a", paid), Line("b", pending), Line("c", null, kind: SettlementKind.Adjustment));

        var done = await house.Settle(file);
        done.Text("state").ShouldBe("done");
        SettlementHouse.Classes(done).ShouldBe(new Dictionary<string, int> { ["both_paid"] = 1, ["theirs_paid"] = 1, ["adjustment"] = 1 }, ignoreOrder: true);
        var total = done.Body.GetProperty("totals").EnumerateArray().ShouldHaveSingleItem();
        (total.GetProperty("lines").GetInt32(), total.GetProperty("amount").GetInt64()).ShouldBe((3, 3 * 49900L));
        (await house.Ask<byte[]>("select bytes from settlement_file_parts")).ShouldBe(file);

        var lines = await house.Get($"/v1/settlements/{done.Text("id")}/lines?class=theirs_paid");
        lines.Body.GetProperty("lines").EnumerateArray().ShouldHaveSingleItem().GetProperty("payment").GetString().ShouldBe(pending.ToString());
        var page = await house.Get($"/v1/settlements/{done.Text("id")}/lines?limit=2");
        page.Body.GetProperty("lines").GetArrayLength().ShouldBe(2);
        var rest = await house.Get($"/v1/settlements/{done.Text("id")}/lines?limit=2&cursor={page.Text("next")}");
        rest.Body.GetProperty("lines").EnumerateArray().ShouldHaveSingleItem().GetProperty("row_key").GetString().ShouldBe("c");
        (await house.Get("/v1/settlements?gateway=shop")).Body.GetProperty("settlements").GetArrayLength().ShouldBe(1);
        (await house.Get("/v1/settlements?gateway=other")).Body.GetProperty("settlements").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task The_same_bytes_again_change_nothing_and_say_so()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var file = Statement(Line("a", await house.Paid()));
        var first = await house.Settle(file);
        var again = await house.Upload(file);
        (again.Status, again.Text("id"), again.Body.GetProperty("here_before").GetBoolean()).ShouldBe((HttpStatusCode.OK, first.Text("id"), true));
        (await house.Ask<long>("select count(*) from settlement_files")).ShouldBe(1);
        (await house.Ask<long>("select count(*) from settlement_file_parts")).ShouldBe(1);
        // Another account's file is another file, whatever its bytes.
        (await house.Upload(file, "gateway=other")).Status.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_file_sent_again_under_its_key_is_the_same_file_and_another_request_under_it_is_refused()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (file, other) = (Statement(Line("a", await house.Paid())), Statement(Line("b", await house.Paid())));
        var sent = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => house.Upload(file, key: "march")));
        sent.Select(s => s.Text("id")).Distinct().ShouldHaveSingleItem();
        sent.Count(s => s.Status == HttpStatusCode.Created && !Replayed(s)).ShouldBe(1);
        sent.Count(s => s.Status == HttpStatusCode.OK && Replayed(s)).ShouldBe(4);
        var id = sent[0].Text("id");
        (await house.Ended(id)).Text("state").ShouldBe("done");

        foreach (var (bytes, query) in new[] { (other, "gateway=shop"), (file, "gateway=other"), (file, "gateway=shop&name=april"), (file, "gateway=shop&dry_run=true") })
        {
            var refused = await house.Upload(bytes, query, "march");
            (refused.Status, refused.Problem, refused.Text("field"), refused.Text("resource")).ShouldBe((HttpStatusCode.Conflict, "idempotency_key_reused", IdempotencyKey.Header, id), query);
        }
        (await house.Ask<long>("select count(*) from settlement_files")).ShouldBe(1);
        (await house.Ask<long>("select count(*) from settlement_file_parts")).ShouldBe(1);

        // What keeps nothing keeps no key either.
        (await house.Upload([], key: "april")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await house.Upload(other, "gateway=shop&dry_run=true", "april")).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Upload(other, key: "april")).Status.ShouldBe(HttpStatusCode.Created);
        // The same bytes under another key are the same file, and the key is theirs from then on.
        (await house.Upload(file, key: "may")).Text("id").ShouldBe(id);
        (await house.Upload(other, key: "may")).Text("resource").ShouldBe(id);
    }

    static bool Replayed(Answered answer) => answer.Headers.Contains(IdempotencyKey.ReplayedHeader);

    [Fact]
    public async Task A_refused_file_is_read_again_when_it_is_sent_again_but_not_when_its_request_is_repeated()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var foreign = "date;sum\n1;2\n"u8.ToArray();
        var refused = await house.Ended((await house.Upload(foreign, key: "march")).Text("id"));
        refused.Text("state").ShouldBe("refused");
        var repeated = await house.Upload(foreign, key: "march");
        (repeated.Status, Replayed(repeated), repeated.Text("state")).ShouldBe((HttpStatusCode.OK, true, "refused"));
        var again = await house.Upload(foreign, key: "april");
        (again.Status, again.Text("id"), again.Text("state")).ShouldBe((HttpStatusCode.Created, refused.Text("id"), "stored"));
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_stops_the_file_before_anything_is_applied()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:LinesAtOnce", "1"));
        var text = Encoding.UTF8.GetString(Statement(Line("a", await house.Paid()), Line("b", await house.Paid()))) + "c,Payment,,,,12x,INR,,,,,\n";
        var refused = await house.Settle(Encoding.UTF8.GetBytes(text));
        refused.Text("state").ShouldBe("refused");
        var why = refused.Body.GetProperty("refusal");
        (why.GetProperty("row").GetInt32(), why.GetProperty("column").GetString()).ShouldBe((4, "amount"));
        (await house.Ask<long>("select count(*) from settlement_lines")).ShouldBe(0);
        (await house.Ask<long>("select count(*) from settlement_key_groups")).ShouldBe(0);

        var foreign = await house.Settle("date;sum\n1;2\n"u8.ToArray());
        (foreign.Text("state"), foreign.Body.GetProperty("refusal").GetProperty("detail").GetString()!.Contains("row_key", StringComparison.Ordinal)).ShouldBe(("refused", true));
    }

    [Fact]
    public async Task Another_accounts_file_is_refused_by_whose_payments_it_is_about()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var file = Statement(Line("a", await house.Paid("other")), Line("b", await house.Paid("other")));
        var refused = await house.Settle(file, "shop");
        refused.Text("state").ShouldBe("refused");
        refused.Body.GetProperty("refusal").GetProperty("detail").GetString()!.ShouldContain("another gateway account");
        (await house.Settle(file, "other")).Text("state").ShouldBe("done");
    }

    [Theory]
    [InlineData("gateway=none", "gateway")]
    [InlineData("", "gateway")]
    [InlineData("gateway=shop&dry_run=yes", "dry_run")]
    [InlineData("gateway=shop&colour=red", "colour")]
    public async Task A_request_that_is_wrong_is_refused_with_its_field(string query, string field)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var answer = await house.Upload([1], query);
        (answer.Status, answer.Text("field")).ShouldBe((HttpStatusCode.BadRequest, field));
        (await house.Ask<long>("select count(*) from settlement_files")).ShouldBe(0);
    }

    [Fact]
    public async Task A_file_may_be_larger_than_other_bodies_but_not_larger_than_the_setting()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:MostBytes", "3000000"));
        var paid = await house.Paid();
        var large = Statement([Line("a", paid), .. Enumerable.Range(0, 60_000).Select(n => Line($"adjustment-{n:000000}", null, 1, SettlementKind.Adjustment))]);
        large.Length.ShouldBeInRange(2_000_000, 3_000_000);
        var done = await house.Settle(large);
        (done.Text("state"), done.Body.GetProperty("lines").GetInt32()).ShouldBe(("done", 60_001));
        (await house.Ask<long>("select count(*) from settlement_file_parts")).ShouldBeGreaterThan(1);

        var answer = await house.Upload([.. large, .. new byte[1_000_000]]);
        (answer.Status, answer.Problem).ShouldBe((HttpStatusCode.RequestEntityTooLarge, "body_too_large"));
        (await house.Upload([])).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await house.Ask<long>("select count(*) from settlement_files")).ShouldBe(1);
    }

    [Theory]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData("C:\\\\temp\\\\march.csv", "march.csv")]
    [InlineData("<img src=x>.csv", "<img src=x>.csv")]
    public async Task A_files_name_is_text_and_never_a_path(string told, string kept)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        using var form = new MultipartFormDataContent();
        using var file = new ByteArrayContent(Statement(Line("a", await house.Paid())));
        file.Headers.TryAddWithoutValidation("Content-Disposition", $"form-data; name=\"file\"; filename=\"{told}\"");
        form.Add(file);
        var sent = await house.Send(HttpMethod.Post, "/v1/settlements?gateway=shop", form);
        (sent.Status, sent.Text("name")).ShouldBe((HttpStatusCode.Created, kept));
    }

    [Fact]
    public async Task A_crash_between_batches_resumes_and_equals_one_load()
    {
        var crashes = 0;
        var hook = new SettlementHook(at =>
        {
            if (at == SettlementHook.BetweenBatches && Interlocked.Increment(ref crashes) <= 3) throw new InvalidOperationException("killed");
        });
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), hook, ("Purser:Settlement:LinesAtOnce", "2"));
        var file = Statement([.. Enumerable.Range(0, 9).Select(n => Line($"k{n}", null, 10 + n, SettlementKind.Adjustment))]);
        var done = await house.Settle(file);
        done.Text("state").ShouldBe("done");
        crashes.ShouldBeGreaterThan(3);
        (await house.Ask<string>("select string_agg(number || row_key, ',' order by number) from settlement_lines")).ShouldBe("1k0,2k1,3k2,4k3,5k4,6k5,7k6,8k7,9k8");
        (await house.Ask<long>("select sum(length(keys)) from settlement_key_groups")).ShouldBe(9 * 20);
        done.Body.GetProperty("totals")[0].GetProperty("amount").GetInt64().ShouldBe(Enumerable.Range(0, 9).Sum(n => 10 + n));
    }

    [Fact]
    public async Task Two_nodes_that_want_a_file_do_not_both_get_it_and_a_dead_ones_comes_back()
    {
        await using var database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        var files = new SettlementFileStore(database);
        var file = (await files.TakeIn("shop", "f", FileSource.Upload, new MemoryStream([1]), dryRun: false, 1000, default)).File;
        var later = (await files.TakeIn("shop", "g", FileSource.Upload, new MemoryStream([2]), dryRun: false, 1000, default)).File;
        (await files.Claim("one", ["shop"], default))!.Id.ShouldBe(file.Id);
        // The later one waits for the earlier one of its account.
        (await files.Claim("two", ["shop"], default)).ShouldBeNull();
        await Should.ThrowAsync<LeaseLostException>(() => files.Advance(file with { State = FileState.Reading }, "two", default));
        await using (var die = database.CreateCommand("update settlement_files set leased_until = clock_timestamp() - interval '1 second'")) await die.ExecuteNonQueryAsync();
        (await files.Claim("two", ["shop"], default))!.Id.ShouldBe(file.Id);
        await Should.ThrowAsync<LeaseLostException>(() => files.Renew(file.Id, "one", default));
        await files.Advance(file with { State = FileState.Done }, "two", default);
        (await files.Claim("one", ["shop"], default))!.Id.ShouldBe(later.Id);
    }
}
