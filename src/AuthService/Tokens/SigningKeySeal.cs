using System.Security.Cryptography;
using System.Text;

namespace AuthService.Tokens;

/// <summary>
/// Private keys as the database holds them: version (1 byte), nonce (12), AES-256-GCM ciphertext of the PKCS #8 form, tag (16).
/// The key's name is bound in, so one row's secret can't be moved to another.
/// </summary>
internal sealed class SigningKeySeal(MasterKey master)
{
    private const byte Version = 1;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int CiphertextAt = 1 + NonceLength;

    private readonly byte[] _key = master.Derive("signing-keys/1");

    public byte[] Seal(Es256Key key)
    {
        var pkcs8 = key.ExportPkcs8();
        try
        {
            var box = new byte[CiphertextAt + pkcs8.Length + TagLength];
            box[0] = Version;
            RandomNumberGenerator.Fill(box.AsSpan(1, NonceLength));
            using var aes = new AesGcm(_key, TagLength);
            aes.Encrypt(box.AsSpan(1, NonceLength), pkcs8, box.AsSpan(CiphertextAt, pkcs8.Length), box.AsSpan(^TagLength..), Encoding.ASCII.GetBytes(key.Kid));
            return box;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    /// <exception cref="InvalidOperationException">Sealed under another master key, or damaged.</exception>
    public Es256Key Open(string kid, ReadOnlySpan<byte> box)
    {
        if (box.Length <= CiphertextAt + TagLength || box[0] != Version) throw Damaged(kid);
        var pkcs8 = new byte[box.Length - CiphertextAt - TagLength];
        try
        {
            using var aes = new AesGcm(_key, TagLength);
            aes.Decrypt(box.Slice(1, NonceLength), box[CiphertextAt..^TagLength], box[^TagLength..], pkcs8, Encoding.UTF8.GetBytes(kid));
            var key = Es256Key.FromPkcs8(pkcs8);
            return key.Kid == kid ? key : throw Damaged(kid);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new InvalidOperationException(
                "The database's signing keys were made under another master key. Start this node with the master key of the others " +
                "(Tokens:MasterKey or Tokens:MasterKeyFile).", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    private static InvalidOperationException Damaged(string kid) => new($"The private part of signing key {kid} in the database is damaged.");
}
