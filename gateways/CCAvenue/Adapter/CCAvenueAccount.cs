namespace Purser.Gateways.CCAvenue;

/// <summary>The settings of an account: one pair of access code and working key for the page, and one for the API where that is another.</summary>
public static class CCAvenueAccount
{
    public const string MerchantId = "merchant_id", AccessCode = "access_code", WorkingKey = "working_key";
    public const string ApiAccessCode = "api_access_code", ApiWorkingKey = "api_working_key", Cipher = "cipher";

    public static readonly Uri Live = new("https://api.ccavenue.com"), Test = new("https://apitest.ccavenue.com");

    static readonly Uri LivePage = new("https://secure.ccavenue.com"), TestPage = new("https://test.ccavenue.com");

    /// <summary>What the page, the return and webhooks are encrypted with; null when the key is not there or cannot be one.</summary>
    public static CCAvenueEncryption? Page(GatewayAccount account) => CCAvenueEncryption.Of(account.SeveralSettings(WorkingKey), account.OptionalSetting(Cipher));

    public static CCAvenueEncryption? Api(GatewayAccount account) => CCAvenueEncryption.Of(
        account.SeveralSettings(account.OptionalSetting(ApiWorkingKey) is null ? WorkingKey : ApiWorkingKey), account.OptionalSetting(Cipher));

    public static string ApiCode(GatewayAccount account) => account.OptionalSetting(ApiAccessCode) ?? account.Setting(AccessCode);

    /// <summary>The page lives on a host of its own, except where an account says otherwise.</summary>
    public static Uri PageUrl(GatewayAccount account) =>
        new(account.BaseUrl == Live ? LivePage : account.BaseUrl == Test ? TestPage : account.BaseUrl, "/transaction/transaction.do?command=initiateTransaction");

    public static string? Refuses(GatewayAccount account)
    {
        if (account.Setting(MerchantId).Any(c => !char.IsAsciiDigit(c))) return $"The setting '{MerchantId}' must be digits.";
        if (account.OptionalSetting(ApiAccessCode) is null != account.OptionalSetting(ApiWorkingKey) is null)
            return $"The settings '{ApiAccessCode}' and '{ApiWorkingKey}' belong together.";
        return account.OptionalSetting(Cipher) switch
        {
            null or CCAvenueEncryption.Cbc => null,
            CCAvenueEncryption.Gcm => Page(account) is null || Api(account) is null ? $"With '{Cipher}' {CCAvenueEncryption.Gcm} a working key has {CCAvenueEncryption.GcmKeyLength} characters." : null,
            _ => $"The setting '{Cipher}' must be {CCAvenueEncryption.Cbc} or {CCAvenueEncryption.Gcm}.",
        };
    }
}
