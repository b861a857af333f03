using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace AuthService.Features.Email;

/// <summary>What a link in a mail proves: that whoever shows it reads what is sent to the address. 32 bytes from the system's generator, as base64url.</summary>
internal static class MailToken
{
    public const string VerifyEmail = "verify_email";
    public const string ResetPassword = "reset_password";

    private const int Bytes = 32;

    public static string Create() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>What is stored of it. A plain hash will do: nobody guesses 256 bits.</summary>
    public static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
