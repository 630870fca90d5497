using Purser.Orders;

namespace Purser.Tests.House;

/// <summary>Each rule holds on the checkout; each is seen red on what breaks it, and green on what only looks like it.</summary>
public sealed class HouseTests
{
    static readonly Dictionary<string, Func<SourceTree, IEnumerable<string>>> All = new()
    {
        [nameof(Rules.References)] = Rules.References,
        [nameof(Rules.CoreIsPure)] = Rules.CoreIsPure,
        [nameof(Rules.GatewaysAreAddedByFolder)] = Rules.GatewaysAreAddedByFolder,
        [nameof(Rules.NothingUnderSrcNamesAGateway)] = Rules.NothingUnderSrcNamesAGateway,
        [nameof(Rules.AGatewayNamesNoOther)] = Rules.AGatewayNamesNoOther,
        [nameof(Rules.PlatformNamesNoSlice)] = Rules.PlatformNamesNoSlice,
        [nameof(Rules.PlatformStaysSmall)] = Rules.PlatformStaysSmall,
        [nameof(Rules.SqlLivesInStores)] = Rules.SqlLivesInStores,
        [nameof(Rules.FewStartPrograms)] = Rules.FewStartPrograms,
        [nameof(Rules.FilesStayShort)] = Rules.FilesStayShort,
        [nameof(Rules.WordsAreThoseOfTheDomain)] = Rules.WordsAreThoseOfTheDomain,
        [nameof(Rules.TimeAndChanceComeThroughTheDoor)] = Rules.TimeAndChanceComeThroughTheDoor,
    };

    public static TheoryData<string> RuleNames => [.. All.Keys];

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void The_house_keeps(string rule) => All[rule](SourceTree.OfCheckout).ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void Every_rule_has_been_seen_red(string rule) =>
        Planted.Select(p => p[0]).Concat([nameof(Rules.PlatformNamesNoSlice), nameof(Rules.PlatformStaysSmall)]).ShouldContain(rule);

    [Fact]
    public void The_rules_read_the_real_sources()
    {
        SourceTree.OfCheckout.Under("src/Purser.Core/", ".cs").Count().ShouldBeGreaterThan(10);
        SourceTree.OfCheckout.Under("src/", ".csproj").Count().ShouldBeGreaterThan(3);
        SourceTree.OfCheckout.Paths.ShouldAllBe(p => !p.Contains("/obj/", StringComparison.Ordinal) && !p.Contains("/bin/", StringComparison.Ordinal));
    }

    [Fact]
    public void Core_as_it_was_compiled_references_the_framework_alone()
    {
        var foreign = ForeignTo(typeof(Order).Assembly.GetReferencedAssemblies().Select(a => a.Name!));
        foreign.ShouldBeEmpty();
        ForeignTo(typeof(HouseTests).Assembly.GetReferencedAssemblies().Select(a => a.Name!)).ShouldContain("Purser.Core");
    }

    [Fact]
    public void A_page_that_differs_from_what_is_printed_is_named_with_its_line()
    {
        Page.Difference("a\nb\n", "a\nb\n").ShouldBeNull();
        Page.Difference("a\nb\n", "a\nc\n").ShouldNotBeNull().ShouldContain("Line 2");
        Page.Difference("a\n", "a\nc\n").ShouldNotBeNull();
        Page.Difference("", "a\n").ShouldNotBeNull();
    }

    [Theory]
    [MemberData(nameof(Planted))]
    public void A_planted_violation_is_found(string rule, string path, string text) =>
        All[rule](new SourceTree(new Dictionary<string, string> { [path] = text }))
            .ShouldContain(found => found.StartsWith(path, StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Innocent))]
    public void What_only_looks_like_a_violation_is_let_be(string rule, string path, string text) =>
        All[rule](new SourceTree(new Dictionary<string, string> { [path] = text })).ShouldBeEmpty();

    [Fact]
    public void A_gateway_that_is_new_is_known_by_its_folder()
    {
        var tree = new SourceTree(new Dictionary<string, string>
        {
            ["gateways/Northwind/Adapter/NorthwindGateway.cs"] = "class NorthwindGateway;",
            ["gateways/Southwind/Adapter/SouthwindGateway.cs"] = "// As Northwind does.",
            ["src/Purser.Server/Routes.cs"] = "if (gateway == \"northwind\") { }",
        });
        Rules.NothingUnderSrcNamesAGateway(tree).Single().ShouldStartWith("src/Purser.Server/Routes.cs:1");
        Rules.AGatewayNamesNoOther(tree).Single().ShouldStartWith("gateways/Southwind/Adapter/SouthwindGateway.cs:1");
    }

    [Fact]
    public void Platform_that_names_a_slice_or_grows_is_found()
    {
        var tree = new SourceTree(new Dictionary<string, string>
        {
            ["src/Purser.Server/Orders/Create.cs"] = "namespace Purser.Server.Orders;",
            ["src/Purser.Server/Platform/Auth.cs"] = "using Purser.Server.Orders;",
        });
        Rules.PlatformNamesNoSlice(tree).Single().ShouldStartWith("src/Purser.Server/Platform/Auth.cs:1");
        var crowd = Enumerable.Range(1, 16).ToDictionary(i => $"src/Purser.Server/Platform/File{i}.cs", _ => "");
        Rules.PlatformStaysSmall(new SourceTree(crowd)).ShouldHaveSingleItem();
        crowd.Remove("src/Purser.Server/Platform/File1.cs");
        Rules.PlatformStaysSmall(new SourceTree(crowd)).ShouldBeEmpty();
    }

    public static IEnumerable<object[]> Planted =>
    [
        [nameof(Rules.References), "src/Purser.Core/Purser.Core.csproj", Project("<ProjectReference Include='../Purser.Gateways/Purser.Gateways.csproj' />")],
        [nameof(Rules.References), "src/Purser.Sandbox/Purser.Sandbox.csproj", Project("<ProjectReference Include='..\\Purser.Core\\Purser.Core.csproj' />")],
        [nameof(Rules.References), "src/Purser.Client/Purser.Client.csproj", Project("<ProjectReference Include='../Purser.Core/Purser.Core.csproj' />")],
        [nameof(Rules.References), "src/Purser.Common/Purser.Common.csproj", Project("")],
        [nameof(Rules.References), "samples/Shop/Shop.csproj", Project("<ProjectReference Include='../../src/Purser.Core/Purser.Core.csproj' />")],
        [nameof(Rules.CoreIsPure), "src/Purser.Core/Purser.Core.csproj", Project("<PackageReference Include='Polly.Core' />")],
        [nameof(Rules.CoreIsPure), "src/Purser.Core/Orders/Order.cs", "using System.IO;"],
        [nameof(Rules.CoreIsPure), "src/Purser.Core/Orders/Order.cs", "class A { async void B() { } }"],
        [nameof(Rules.CoreIsPure), "src/Purser.Core/Orders/Order.cs", "class A { string B => File.ReadAllText(\"x\"); }"],
        [nameof(Rules.GatewaysAreAddedByFolder), "src/Purser.Gateways/Purser.Gateways.csproj", Project("<Compile Include='../../gateways/Acme/Adapter/**/*.cs' />")],
        [nameof(Rules.GatewaysAreAddedByFolder), "src/Purser.Server/Purser.Server.csproj", Project("<Compile Include='../../gateways/*/Adapter/**/*.cs' />")],
        [nameof(Rules.GatewaysAreAddedByFolder), "Purser.slnx", "<Solution><Project Path='gateways/PayPal/PayPal.csproj' /></Solution>"],
        [nameof(Rules.NothingUnderSrcNamesAGateway), "src/Purser.Server/Routes.cs", "// Razorpay sends this twice."],
        [nameof(Rules.NothingUnderSrcNamesAGateway), "src/Purser.Server/Routes.cs", "if (gateway == \"stripe\") { }"],
        [nameof(Rules.NothingUnderSrcNamesAGateway), "src/Purser.Server/Routes.cs", "class PayUGateway;"],
        [nameof(Rules.NothingUnderSrcNamesAGateway), "src/Purser.Server/wwwroot/PhonePe.css", ".a { }"],
        [nameof(Rules.AGatewayNamesNoOther), "gateways/Stripe/Adapter/StripeGateway.cs", "// As Paytm does."],
        [nameof(Rules.SqlLivesInStores), "src/Purser.Server/Orders/List.cs", "var sql = \"select id from orders where status = 1\";"],
        [nameof(Rules.SqlLivesInStores), "src/Purser.Server/Orders/List.cs", "var sql = $\"\"\"\n  insert into {table} values (1)\n  \"\"\";"],
        [nameof(Rules.SqlLivesInStores), "src/Purser.Server/Platform/Auth.cs", "var sql = @\"delete from api_keys\";"],
        [nameof(Rules.FewStartPrograms), "src/Purser.Server/Orders/OrderEndpoints.cs", "Process.Start(name);"],
        [nameof(Rules.FewStartPrograms), "gateways/A/Adapter/A.cs", "var start = new ProcessStartInfo(name);"],
        [nameof(Rules.FilesStayShort), "src/Purser.Server/Long.cs", new string('\n', 451)],
        [nameof(Rules.WordsAreThoseOfTheDomain), "src/Purser.Server/A.cs", "class OrderManager;"],
        [nameof(Rules.WordsAreThoseOfTheDomain), "src/Purser.Server/A.cs", "var transactionId = 1;"],
        [nameof(Rules.WordsAreThoseOfTheDomain), "src/Purser.Server/A.cs", "namespace Purser.Server.Utils;"],
        [nameof(Rules.WordsAreThoseOfTheDomain), "src/Purser.Server/A.cs", "enum Charges { PSP }"],
        [nameof(Rules.TimeAndChanceComeThroughTheDoor), "tests/A.cs", "var now = DateTimeOffset.UtcNow;"],
        [nameof(Rules.TimeAndChanceComeThroughTheDoor), "gateways/A/Adapter/A.cs", "var id = Guid.NewGuid();"],
        [nameof(Rules.TimeAndChanceComeThroughTheDoor), "src/A.cs", "#pragma warning disable RS0030"],
    ];

    public static IEnumerable<object[]> Innocent =>
    [
        [nameof(Rules.References), "src/Purser.Server/Purser.Server.csproj", Project("<ProjectReference Include='../Purser.Core/Purser.Core.csproj' />")],
        [nameof(Rules.References), "src/Purser.Client/Purser.Client.csproj", Project("<PackageReference Include='Microsoft.Extensions.Http' />")],
        [nameof(Rules.References), "samples/Shop/Shop.csproj", Project("<ProjectReference Include='../../src/Purser.Client/Purser.Client.csproj' />")],
        [nameof(Rules.CoreIsPure), "src/Purser.Core/Orders/Order.cs", "// Whoever would await a Task here is wrong.\nvar s = \"File\";"],
        [nameof(Rules.GatewaysAreAddedByFolder), "src/Purser.Gateways/Purser.Gateways.csproj", Project("<Compile Include='../../gateways/*/Adapter/**/*.cs' />")],
        [nameof(Rules.NothingUnderSrcNamesAGateway), "src/Purser.Server/A.cs", "var payUrl = striped ? PayUrl : stripes;"],
        [nameof(Rules.AGatewayNamesNoOther), "gateways/Stripe/Adapter/StripeGateway.cs", "class StripeGateway;"],
        [nameof(Rules.SqlLivesInStores), "src/Purser.Server/Orders/OrderStore.cs", "var sql = \"select id from orders where status = 1\";"],
        [nameof(Rules.SqlLivesInStores), "src/Purser.Server/Platform/Migrations.cs", "var sql = \"create table x\";"],
        [nameof(Rules.SqlLivesInStores), "src/Purser.Server/Orders/List.cs", "// select id from orders\nvar s = \"Select an order from the list.\";"],
        [nameof(Rules.FewStartPrograms), "src/Purser.Server/Platform/Postmaster.cs", "Process.Start(new ProcessStartInfo(\"ps\"));"],
        [nameof(Rules.FewStartPrograms), "src/Purser.Server/CommandLine/UpCommand.cs", "SandboxProcess.Start(fixedPorts: true);"],
        [nameof(Rules.FilesStayShort), "src/Purser.Server/Long.cs", new string('\n', 450)],
        [nameof(Rules.WordsAreThoseOfTheDomain), "src/Purser.Server/A.cs", "TimeProvider time; // a helper\nvar s = \"charge\"; var recharged = intention;"],
        [nameof(Rules.WordsAreThoseOfTheDomain), "src/Purser.Server/Orders/OrderStore.cs", "var transaction = connection.BeginTransaction();"],
        [nameof(Rules.TimeAndChanceComeThroughTheDoor), "tests/A.cs", "// DateTime.UtcNow is banned.\nvar s = \"Guid.NewGuid\"; var r = new Random(1);"],
    ];

    static string Project(string item) => $"<Project Sdk='Microsoft.NET.Sdk'><ItemGroup>{item}</ItemGroup></Project>";

    static string[] ForeignTo(IEnumerable<string> assemblies) => [.. assemblies.Where(a => !a.StartsWith("System.", StringComparison.Ordinal))];
}
