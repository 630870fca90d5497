using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Purser.Gateways.CCAvenue;

/// <summary>AES in Galois/Counter Mode with a nonce of any length, as NIST SP 800-38D describes it. The platform's own takes 12 bytes only, and theirs
/// has 16. The block cipher is the platform's; only the mode around it is made here, without branches on secret bits.</summary>
public sealed class CCAvenueGcm : IDisposable
{
    const int Block = 16;

    public const int TagLength = Block;

    readonly Aes aes = Aes.Create();
    readonly UInt128 hashKey;

    public CCAvenueGcm(byte[] key)
    {
        aes.Key = key;
        hashKey = BinaryPrimitives.ReadUInt128BigEndian(Enciphered(new byte[Block]));
    }

    public (byte[] Cipher, byte[] Tag) Encrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain)
    {
        var start = Start(nonce);
        var cipher = Counted(start, plain);
        return (cipher, Tag(start, cipher));
    }

    /// <summary>Null when the tag does not fit.</summary>
    public byte[]? Decrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> tag)
    {
        var start = Start(nonce);
        return CryptographicOperations.FixedTimeEquals(Tag(start, cipher), tag) ? Counted(start, cipher) : null;
    }

    public void Dispose() => aes.Dispose();

    byte[] Enciphered(byte[] block) => aes.EncryptEcb(block, PaddingMode.None);

    UInt128 Start(ReadOnlySpan<byte> nonce)
    {
        if (nonce.Length != 12) return Hash(nonce, 0, (ulong)nonce.Length * 8);
        Span<byte> start = stackalloc byte[Block];
        nonce.CopyTo(start);
        start[^1] = 1;
        return BinaryPrimitives.ReadUInt128BigEndian(start);
    }

    byte[] Tag(UInt128 start, ReadOnlySpan<byte> cipher)
    {
        var tag = Bytes(Hash(cipher, 0, (ulong)cipher.Length * 8));
        var mask = Enciphered(Bytes(start));
        for (var i = 0; i < Block; i++) tag[i] ^= mask[i];
        return tag;
    }

    /// <summary>Counter mode; the last 32 bits count, from the one after the start.</summary>
    byte[] Counted(UInt128 start, ReadOnlySpan<byte> text)
    {
        var blocks = new byte[(text.Length + Block - 1) / Block * Block];
        var counter = (uint)start;
        for (var at = 0; at < blocks.Length; at += Block)
            BinaryPrimitives.WriteUInt128BigEndian(blocks.AsSpan(at), (start & ~(UInt128)uint.MaxValue) | ++counter);
        var stream = blocks.Length == 0 ? blocks : Enciphered(blocks);
        var done = new byte[text.Length];
        for (var i = 0; i < done.Length; i++) done[i] = (byte)(text[i] ^ stream[i]);
        return done;
    }

    /// <summary>GHASH over a text, filled up with zeros, and a last block of two lengths.</summary>
    UInt128 Hash(ReadOnlySpan<byte> text, ulong first, ulong second)
    {
        UInt128 sum = 0;
        Span<byte> block = stackalloc byte[Block];
        for (; !text.IsEmpty; text = text[Math.Min(Block, text.Length)..])
        {
            block.Clear();
            text[..Math.Min(Block, text.Length)].CopyTo(block);
            sum = Times(sum ^ BinaryPrimitives.ReadUInt128BigEndian(block));
        }
        return Times(sum ^ new UInt128(first, second));
    }

    /// <summary>By the hash key in the field of 2^128; the highest bit stands for the lowest power.</summary>
    UInt128 Times(UInt128 other)
    {
        UInt128 product = 0;
        var power = hashKey;
        for (var bit = 127; bit >= 0; bit--)
        {
            product ^= power & (UInt128.Zero - ((other >> bit) & 1));
            power = (power >> 1) ^ (new UInt128(0xe1UL << 56, 0) & (UInt128.Zero - (power & 1)));
        }
        return product;
    }

    static byte[] Bytes(UInt128 number)
    {
        var bytes = new byte[Block];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return bytes;
    }
}
