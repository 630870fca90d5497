using System.Runtime.InteropServices;

namespace Purser.Client;

/// <summary>Checks signatures of Ed25519 (RFC 8032) by OpenSSL's libcrypto, on which .NET itself stands on Linux; .NET's own cryptography does not have it.</summary>
sealed class Ed25519
{
    public const int PublicBytes = 32;
    public const int SignatureBytes = 64;
    const int KeyType = 1087;       // NID_ED25519 of obj_mac.h; part of OpenSSL's ABI.
    const int Success = 1;

    static readonly Lazy<Ed25519?> Found = new(() => Find(["libcrypto.so.3", "libcrypto.3.dylib"]));

    readonly NewPublicKey newPublicKey;
    readonly NewContext newContext;
    readonly VerifyInit verifyInit;
    readonly Verify verify;
    readonly Free freeContext;
    readonly Free freeKey;

    Ed25519(nint library)
    {
        newPublicKey = Function<NewPublicKey>(library, "EVP_PKEY_new_raw_public_key");
        newContext = Function<NewContext>(library, "EVP_MD_CTX_new");
        verifyInit = Function<VerifyInit>(library, "EVP_DigestVerifyInit");
        verify = Function<Verify>(library, "EVP_DigestVerify");
        freeContext = Function<Free>(library, "EVP_MD_CTX_free");
        freeKey = Function<Free>(library, "EVP_PKEY_free");
    }

    delegate nint NewPublicKey(int type, nint engine, byte[] key, nint length);
    delegate nint NewContext();
    delegate int VerifyInit(nint context, nint keyContext, nint digest, nint engine, nint key);
    delegate int Verify(nint context, byte[] signature, nint signatureLength, byte[] message, nint messageLength);
    delegate void Free(nint what);

    /// <summary>Null where OpenSSL 3 is not to be had.</summary>
    public static Ed25519? OfThisMachine => Found.Value;

    internal static Ed25519? Find(IEnumerable<string> libraries)
    {
        foreach (var name in libraries)
            if (NativeLibrary.TryLoad(name, out var library)) return new Ed25519(library);
        return null;
    }

    /// <summary>Whether the signature is the key's over the message. Whatever OpenSSL cannot make sense of is none.</summary>
    public bool Fits(byte[] publicKey, byte[] message, byte[] signature)
    {
        var key = newPublicKey(KeyType, 0, publicKey, publicKey.Length);
        if (key == 0) return false;
        var context = newContext();
        try
        {
            // The digest is Ed25519's own, so none is named.
            return context != 0 && verifyInit(context, 0, 0, 0, key) == Success && verify(context, signature, signature.Length, message, message.Length) == Success;
        }
        finally
        {
            if (context != 0) freeContext(context);
            freeKey(key);
        }
    }

    static T Function<T>(nint library, string name) => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));
}
