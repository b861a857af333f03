using System.Text.RegularExpressions;

namespace AuthService.Database;

/// <summary>How a server's value is compared with the one wanted. The words are those of <c>deploy/postgres/authservice.conf</c>.</summary>
internal enum SettingRule
{
    /// <summary>Anything else endangers data or correctness.</summary>
    Must,

    Equal,
    AtLeast,

    /// <summary>-1 stands for "without limit" or "never", and is more than anything.</summary>
    AtMost,

    /// <summary>0 stands for "never" as well.</summary>
    AtMostButNotZero,

    /// <summary>One of a list, whatever else is in it.</summary>
    Has,
}

/// <summary>One setting of PostgreSQL as we want it.</summary>
/// <param name="Value">As it is written in the file, without quotes.</param>
/// <param name="AsGood">Other values that are as good.</param>
/// <param name="Reason">For the operator.</param>
internal sealed record ProductionSetting(string Name, string Value, SettingRule Rule, IReadOnlyList<string> AsGood, string Reason);

/// <summary>
/// The settings we ship for PostgreSQL in production: <c>deploy/postgres/authservice.conf</c>, embedded, so that what is installed, what the private server starts with
/// and what <c>authservice verify</c> compares with are one text.
/// </summary>
internal static partial class ProductionSettings
{
    private const string File = "deploy/postgres/authservice.conf";

    private static readonly Dictionary<string, SettingRule> Rules = new(StringComparer.Ordinal)
    {
        ["must"] = SettingRule.Must,
        ["equal"] = SettingRule.Equal,
        ["at least"] = SettingRule.AtLeast,
        ["at most"] = SettingRule.AtMost,
        ["at most but not 0"] = SettingRule.AtMostButNotZero,
        ["has"] = SettingRule.Has,
    };

    public static IReadOnlyList<ProductionSetting> All { get; } = Parse(SqlFile.Read(File).Text);

    /// <exception cref="FormatException">A line is neither empty nor a comment nor <c>name = value # rule: reason</c>.</exception>
    internal static IReadOnlyList<ProductionSetting> Parse(string text)
    {
        var settings = new List<ProductionSetting>();
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n').Where(l => l.Length > 0 && l[0] != '#'))
        {
            var match = Line().Match(line);
            var rule = match.Groups["rule"].Value.Split(", or ");
            if (!match.Success || !Rules.TryGetValue(rule[0], out var how)) throw new FormatException($"{File}: '{line}' is not: name = value # rule: reason.");
            settings.Add(new ProductionSetting(match.Groups["name"].Value, match.Groups["value"].Value, how, rule[1..], match.Groups["reason"].Value));
        }

        return settings;
    }

    [GeneratedRegex(@"^(?<name>[a-z_]+) = '?(?<value>[^'#]*?)'? +# (?<rule>[a-z0-9_, -]+): (?<reason>.+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Line();
}
