using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Sandbox.CCAvenue;

/// <summary>The two ways in which CCAvenue's messages are encrypted. The classic one has no seal: who changes its bytes changes what it says.</summary>
public static class CCAvenueCipher
{
    const int BlockLength = 16;

    static readonly byte[] FixedStart = [.. Enumerable.Range(0, BlockLength).Select(i => (byte)i)];

    static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>AES-128-CBC under the MD5 of the working key, from a start that is always the same.</summary>
    /// <param name="twice">Padded by hand before it is padded, as some kits do.</param>
    public static string EncryptClassic(string text, string workingKey, bool twice = false)
    {
        var plain = Strict.GetBytes(text);
        if (twice)
        {
            var missing = BlockLength - (plain.Length % BlockLength);
            plain = [.. plain, .. Enumerable.Repeat((byte)missing, missing)];
        }

        using var aes = Classic(workingKey);
        return Convert.ToHexStringLower(aes.EncryptCbc(plain, FixedStart));
    }

    /// <summary>Null for what is no such text.</summary>
    public static string? DecryptClassic(string hex, string workingKey)
    {
        try
        {
            using var aes = Classic(workingKey);
            var plain = aes.DecryptCbc(Convert.FromHexString(hex), FixedStart);
            // What was padded twice still ends in the bytes of the first time.
            return plain.Length == 0 ? null : Strict.GetString(plain).TrimEnd([.. Enumerable.Range(0, ' ').Select(c => (char)c)]);
        }
        catch (Exception e) when (e is FormatException or CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>AES-256-GCM under the working key itself: nonce, ciphertext and seal in one.</summary>
    public static string EncryptSealed(string text, string workingKey, ReadOnlySpan<byte> nonce)
    {
        using var aes = Sealing(workingKey);
        var start = Start(aes, nonce);
        var cipher = Counted(aes, start, Strict.GetBytes(text));
        return Convert.ToHexStringLower([.. nonce, .. cipher, .. Seal(aes, start, cipher)]);
    }

    public static string? DecryptSealed(string hex, string workingKey)
    {
        try
        {
            var bytes = Convert.FromHexString(hex);
            if (bytes.Length <= 2 * BlockLength) return null;
            using var aes = Sealing(workingKey);
            var start = Start(aes, bytes.AsSpan(0, BlockLength));
            var cipher = bytes.AsSpan(BlockLength, bytes.Length - (2 * BlockLength));
            return CryptographicOperations.FixedTimeEquals(Seal(aes, start, cipher), bytes.AsSpan(bytes.Length - BlockLength))
                ? Strict.GetString(Counted(aes, start, cipher)) : null;
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            return null;
        }
    }

    static Aes Classic(string workingKey)
    {
        var aes = Aes.Create();
#pragma warning disable CA5351 // Their scheme has it so.
        aes.Key = MD5.HashData(Strict.GetBytes(workingKey));
#pragma warning restore CA5351
        return aes;
    }

    /// <summary>A key of another length belongs to nobody; it is made to fit, so that a forger can write with it.</summary>
    static Aes Sealing(string workingKey)
    {
        var key = Strict.GetBytes(workingKey);
        var aes = Aes.Create();
        aes.Key = key.Length == 2 * BlockLength ? key : SHA256.HashData(key);
        return aes;
    }

    // The platform's own GCM takes nonces of 12 bytes only, and theirs has 16.
    static UInt128 Start(Aes aes, ReadOnlySpan<byte> nonce) => Hash(aes, nonce, 0, (ulong)nonce.Length * 8);

    static byte[] Counted(Aes aes, UInt128 start, ReadOnlySpan<byte> text)
    {
        var (result, counter) = (text.ToArray(), (uint)start);
        for (var at = 0; at < result.Length; at += BlockLength)
        {
            var key = Block(aes, (start & ~(UInt128)uint.MaxValue) | ++counter);
            for (var i = 0; i < BlockLength && at + i < result.Length; i++) result[at + i] ^= key[i];
        }

        return result;
    }

    static byte[] Seal(Aes aes, UInt128 start, ReadOnlySpan<byte> cipher)
    {
        var seal = new byte[BlockLength];
        BinaryPrimitives.WriteUInt128BigEndian(seal, Hash(aes, cipher, 0, (ulong)cipher.Length * 8) ^ BinaryPrimitives.ReadUInt128BigEndian(Block(aes, start)));
        return seal;
    }

    static UInt128 Hash(Aes aes, ReadOnlySpan<byte> bytes, ulong bitsBefore, ulong bits)
    {
        var key = BinaryPrimitives.ReadUInt128BigEndian(Block(aes, 0));
        UInt128 hash = 0;
        Span<byte> block = stackalloc byte[BlockLength];
        for (var at = 0; at < bytes.Length; at += BlockLength)
        {
            block.Clear();
            bytes[at..Math.Min(at + BlockLength, bytes.Length)].CopyTo(block);
            hash = Product(hash ^ BinaryPrimitives.ReadUInt128BigEndian(block), key);
        }

        return Product(hash ^ new UInt128(bitsBefore, bits), key);
    }

    /// <summary>In the field of GCM, whose first bit is the lowest power.</summary>
    static UInt128 Product(UInt128 one, UInt128 other)
    {
        var reduction = new UInt128(0xE100000000000000, 0);
        UInt128 product = 0;
        for (var i = 127; i >= 0; i--)
        {
            if ((one >> i & 1) == 1) product ^= other;
            other = (other & 1) == 1 ? (other >> 1) ^ reduction : other >> 1;
        }

        return product;
    }

    static byte[] Block(Aes aes, UInt128 value)
    {
        var block = new byte[BlockLength];
        BinaryPrimitives.WriteUInt128BigEndian(block, value);
#pragma warning disable CA5358 // One block by itself is what GCM is made of.
        return aes.EncryptEcb(block, PaddingMode.None);
#pragma warning restore CA5358
    }
}
