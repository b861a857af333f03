using System.Text.RegularExpressions;

namespace UnitTests.Repository;

/// <summary>
/// T80: secrets are compared in constant time, and randomness comes from the operating system. A scan of lines, not a proof: it
/// knows a secret by the last word of its name, so it sees <c>storedHash == hash</c> and not what was renamed on the way.
/// </summary>
public partial class SecretComparisonTests
{
    private const string Name = @"[A-Za-z_][\w.?!]*(?:\([^()]*\))?";

    // Written as they stand in the source, with the reason.
    private static readonly string[] Allowed =
    [
        "if (account?.PasswordHash != provedHash) break;",   // two reads of one column: neither side is the caller's
        "if (request.NewPassword == request.CurrentPassword) return HttpProblems.Invalid with { Errors = [Unchanged] };",   // both are the caller's
    ];

    [Fact]
    public void Secrets_are_compared_in_constant_time_and_randomness_is_the_systems()
    {
        var findings =
            from file in Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.cs", SearchOption.AllDirectories)
            where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            from line in File.ReadLines(file).Select((text, index) => (Text: text.Trim(), Number: index + 1))
            where IsSuspect(line.Text) && !Allowed.Contains(line.Text, StringComparer.Ordinal)
            select $"{Path.GetRelativePath(Root(), file)}:{line.Number}: {line.Text}";
        Assert.Empty(findings);
    }

    // The control: without it a scan that sees nothing would pass.
    [Theory]
    [InlineData("if (hash == storedHash) return true;")]
    [InlineData("return key.secret_hash != presented.Hash;")]
    [InlineData("if (tag.SequenceEqual(bytes[TagAt..])) return;")]
    [InlineData("return expected.AsSpan().SequenceEqual(token.Secret);")]
    [InlineData("return string.Equals(apiKeySecret, other, StringComparison.Ordinal);")]
    [InlineData("return refreshToken.Equals(other, StringComparison.Ordinal);")]
    [InlineData("if (user.Password == request.Password)")]
    [InlineData("var mac = Sign(x); if (mac != given) return;")]
    [InlineData("var id = new Random().Next();")]
    [InlineData("var salt = Random.Shared.Next();")]
    [InlineData("var n = System.Random.Shared.Next();")]
    [InlineData("var secret = Guid.NewGuid().ToString();")]
    public void The_scan_sees(string line) => Assert.True(IsSuspect(line));

    [Theory]
    [InlineData("if (CryptographicOperations.FixedTimeEquals(tag, given)) return;")]
    [InlineData("if (reader.TokenType != JsonTokenType.String) return;")]
    [InlineData("if (token == null || hash.Length == 32) return;")]
    [InlineData("if (storedHash is null) return;")]
    [InlineData("if (PasswordHash == \"\") return;")]
    [InlineData("if (secretCount != 0) return;")]
    [InlineData("/// <item>hash == storedHash</item>")]
    [InlineData("RandomNumberGenerator.Fill(secret);")]
    [InlineData("var session = Guid.CreateVersion7();")]
    public void The_scan_passes_over(string line) => Assert.False(IsSuspect(line));

    private static bool IsSuspect(string line)
    {
        if (line.StartsWith("//", StringComparison.Ordinal)) return false;
        if (WeakRandomness().IsMatch(line)) return true;
        foreach (Match comparison in Operators().Matches(line))
        {
            var (left, right) = (comparison.Groups["left"].Value, comparison.Groups["right"].Value);
            if ((IsSecret(left) || IsSecret(right)) && !IsConstant(right)) return true;
        }
        return Calls().Matches(line).Any(call =>
            call.Groups["owner"].Value != "CryptographicOperations"
            && (IsSecret(call.Groups["owner"].Value) || call.Groups["arguments"].Value.Split(',').Any(argument => IsSecret(argument.Trim()))));
    }

    private static bool IsSecret(string expression) => SecretName().IsMatch(expression.TrimEnd('!', '?'));

    private static bool IsConstant(string expression) =>
        expression is "null" or "default" or "true" or "false" || expression.StartsWith('"') || char.IsAsciiDigit(expression[0]);

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No repository here.");
        return folder;
    }

    [GeneratedRegex($"(?<left>{Name})\\s*(?:==|!=)\\s*(?<right>{Name}|\"|[0-9]+)")]
    private static partial Regex Operators();

    // Also with a conversion or a slice between the name and the call: token.Secret.AsSpan().SequenceEqual(x).
    [GeneratedRegex(@"(?<owner>[A-Za-z_][\w.]*?)(?:\.AsSpan\([^()]*\)|\[[^\]]*\])*\.(?:SequenceEqual|Equals|SequenceCompareTo)\((?<arguments>[^()]*)\)")]
    private static partial Regex Calls();

    // The last word: TokenType is not a token, nor is hash.Length a hash.
    [GeneratedRegex(@"(?:^|[._a-z])(?:secret|Secret|tag|Tag|mac|Mac|hash|Hash|digest|Digest|token|Token|password|Password|signature|Signature|(?:api|Api)Key)$")]
    private static partial Regex SecretName();

    [GeneratedRegex(@"\bnew Random\(|\bRandom\.Shared\b|\bSystem\.Random\b|\bGuid\.NewGuid\(")]
    private static partial Regex WeakRandomness();
}
