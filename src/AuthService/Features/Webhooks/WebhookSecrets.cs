using System.Security.Cryptography;
using System.Text;
using AuthService.Tokens;

namespace AuthService.Features.Webhooks;

/// <summary>
/// Secrets of webhooks, 32 bytes each: random, shown once, and in the database as version (1 byte), nonce (12), AES-256-GCM ciphertext, tag (16). The number of the webhook is
/// bound in, so one row's secret can't be moved to another. Signs as Standard Webhooks says (https://www.standardwebhooks.com).
/// </summary>
internal sealed class WebhookSecrets(MasterKey master)
{
    private const byte Version = 1;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int SecretLength = 32;
    private const int CiphertextAt = 1 + NonceLength;
    private const int BoxLength = CiphertextAt + SecretLength + TagLength;

    private readonly byte[] _key = master.Derive("webhook-secrets/1");

    /// <returns>What its owner is shown, and what is stored.</returns>
    public (string Shown, byte[] Sealed) New(long webhookId)
    {
        Span<byte> bytes = stackalloc byte[SecretLength];
        RandomNumberGenerator.Fill(bytes);
        var box = new byte[BoxLength];
        box[0] = Version;
        RandomNumberGenerator.Fill(box.AsSpan(1, NonceLength));
        using var aes = new AesGcm(_key, TagLength);
        aes.Encrypt(box.AsSpan(1, NonceLength), bytes, box.AsSpan(CiphertextAt, SecretLength), box.AsSpan(^TagLength..), Bound(webhookId));
        return ("whsec_" + Convert.ToBase64String(bytes), box);
    }

    /// <summary>HMAC-SHA-256 of <c>id.timestamp.body</c> as the header has it.</summary>
    /// <exception cref="InvalidOperationException">Sealed under another master key, or damaged.</exception>
    public string Sign(long webhookId, ReadOnlySpan<byte> box, string messageId, string timestamp, ReadOnlySpan<byte> body)
    {
        Span<byte> bytes = stackalloc byte[SecretLength];
        Open(webhookId, box, bytes);
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, bytes);
        CryptographicOperations.ZeroMemory(bytes);
        mac.AppendData(Encoding.ASCII.GetBytes($"{messageId}.{timestamp}."));
        mac.AppendData(body);
        return "v1," + Convert.ToBase64String(mac.GetHashAndReset());
    }

    private void Open(long webhookId, ReadOnlySpan<byte> box, Span<byte> bytes)
    {
        if (box.Length != BoxLength || box[0] != Version) throw new InvalidOperationException($"The secret of webhook {webhookId} in the database is damaged.");
        try
        {
            using var aes = new AesGcm(_key, TagLength);
            aes.Decrypt(box.Slice(1, NonceLength), box[CiphertextAt..^TagLength], box[^TagLength..], bytes, Bound(webhookId));
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new InvalidOperationException($"The secret of webhook {webhookId} was made under another master key, or is another's.", e);
        }
    }

    private static byte[] Bound(long webhookId) => Encoding.ASCII.GetBytes(webhookId.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
