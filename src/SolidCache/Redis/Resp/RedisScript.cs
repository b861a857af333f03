using System.Security.Cryptography;
using System.Text;

namespace SolidCache.Redis.Resp;

/// <summary>A Lua script, called by its SHA-1; the server gets its text when it doesn't know it.</summary>
public sealed class RedisScript
{
    /// <param name="text">In Lua; keys are <c>KEYS</c>, all else <c>ARGV</c>.</param>
    public RedisScript(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        Text = text;
#pragma warning disable CA5350 // It is the name Redis knows scripts by, and protects nothing.
        Sha1 = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5350
    }

    /// <summary>The script.</summary>
    public string Text { get; }

    internal string Sha1 { get; }
}
