using System.Runtime.InteropServices;

namespace Purser.Server.Deliveries;

/// <summary>Ed25519 (RFC 8032) by OpenSSL's libcrypto, on which .NET itself stands on Linux; .NET's own cryptography does not have it.</summary>
sealed class Ed25519
{
    public const int SeedBytes = 32;
    public const int PublicBytes = 32;
    const int SignatureBytes = 64;
    const int KeyType = 1087;       // NID_ED25519 of obj_mac.h; part of OpenSSL's ABI.
    const int Success = 1;

    static readonly Lazy<Ed25519?> Found = new(() => Find(["libcrypto.so.3", "libcrypto.3.dylib"]));

    readonly NewPrivateKey newPrivateKey;
    readonly GetPublicKey getPublicKey;
    readonly NewContext newContext;
    readonly SignInit signInit;
    readonly Sign sign;
    readonly Free freeContext;
    readonly Free freeKey;

    Ed25519(nint library)
    {
        newPrivateKey = Function<NewPrivateKey>(library, "EVP_PKEY_new_raw_private_key");
        getPublicKey = Function<GetPublicKey>(library, "EVP_PKEY_get_raw_public_key");
        newContext = Function<NewContext>(library, "EVP_MD_CTX_new");
        signInit = Function<SignInit>(library, "EVP_DigestSignInit");
        sign = Function<Sign>(library, "EVP_DigestSign");
        freeContext = Function<Free>(library, "EVP_MD_CTX_free");
        freeKey = Function<Free>(library, "EVP_PKEY_free");
    }

    delegate nint NewPrivateKey(int type, nint engine, byte[] seed, nint length);
    delegate int GetPublicKey(nint key, byte[] into, ref nint length);
    delegate nint NewContext();
    delegate int SignInit(nint context, nint keyContext, nint digest, nint engine, nint key);
    delegate int Sign(nint context, byte[] into, ref nint length, byte[] message, nint messageLength);
    delegate void Free(nint what);

    /// <summary>Null where OpenSSL 3 is not to be had.</summary>
    public static Ed25519? OfThisMachine => Found.Value;

    internal static Ed25519? Find(IEnumerable<string> libraries)
    {
        foreach (var name in libraries)
            if (NativeLibrary.TryLoad(name, out var library)) return new Ed25519(library);
        return null;
    }

    public byte[] PublicKey(byte[] seed) => With(seed, key =>
    {
        var bytes = new byte[PublicBytes];
        nint length = bytes.Length;
        Must(getPublicKey(key, bytes, ref length) == Success);
        return bytes;
    });

    public byte[] Signature(byte[] seed, byte[] message) => With(seed, key =>
    {
        var context = newContext();
        Must(context != 0);
        try
        {
            var bytes = new byte[SignatureBytes];
            nint length = bytes.Length;
            // The digest is Ed25519's own, so none is named.
            Must(signInit(context, 0, 0, 0, key) == Success && sign(context, bytes, ref length, message, message.Length) == Success);
            return bytes;
        }
        finally
        {
            freeContext(context);
        }
    });

    byte[] With(byte[] seed, Func<nint, byte[]> work)
    {
        var key = newPrivateKey(KeyType, 0, seed, seed.Length);
        Must(key != 0);
        try
        {
            return work(key);
        }
        finally
        {
            freeKey(key);
        }
    }

    static void Must(bool good)
    {
        if (!good) throw new InvalidOperationException("OpenSSL refused an Ed25519 key.");
    }

    static T Function<T>(nint library, string name) => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));
}
