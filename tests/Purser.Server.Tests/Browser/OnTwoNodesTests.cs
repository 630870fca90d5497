namespace Purser.Server.Tests.Browser;

public sealed class BrowserHouseOnTwoNodes() : BrowserHouse(isOnTwoNodes: true);

public sealed class ShopHouseOnTwoNodes() : ShopHouse(isOnTwoNodes: true);

/// <summary>The same ways on two nodes and one PostgreSQL: pages and messages come to the one, and sockets and long polls wait at the other.</summary>
public sealed class ShopperWaysOnTwoNodesTests(BrowserHouseOnTwoNodes house) : ShopperWays(house), IClassFixture<BrowserHouseOnTwoNodes>;

public sealed class ShopWaysOnTwoNodesTests(BrowserHouse browsers, ShopHouseOnTwoNodes house)
    : ShopWays(browsers, house), IClassFixture<BrowserHouse>, IClassFixture<ShopHouseOnTwoNodes>;
