using System.Globalization;

namespace AuthService.LoadTest;

/// <summary>What a request of a load is.</summary>
internal enum RequestKind
{
    /// <summary><c>POST /api/v1/authz/check</c> for the caller.</summary>
    Check,

    /// <summary><c>POST /api/v1/auth/refresh</c>.</summary>
    Refresh,

    /// <summary><c>GET /api/v1/users/profile</c>.</summary>
    Profile,

    /// <summary><c>GET /api/v1/users</c>, twenty of them, as an administrator.</summary>
    List,

    /// <summary>A role granted to an account, and by the next one taken from it, as an administrator.</summary>
    Grant,

    /// <summary><c>POST /api/v1/auth/login</c>, which hashes a password.</summary>
    Login,
}

/// <summary>How many of a hundred requests are of which kind, and which is whose turn.</summary>
internal sealed class LoadMix
{
    public const string Standard = "check=80,refresh=15,profile=4,grant=1";

    private const int Hundred = 100;
    private const int Stride = 37;   // has no divisor in common with 100: each of a hundred places once, well mixed

    private readonly RequestKind[] _turns;

    private LoadMix(RequestKind[] turns) => _turns = turns;

    public static string Names => string.Join(", ", Enum.GetNames<RequestKind>().Select(n => n.ToLowerInvariant()));

    public int PercentOf(RequestKind kind) => _turns.Count(k => k == kind);

    public bool Has(RequestKind kind) => PercentOf(kind) > 0;

    public RequestKind KindOf(long request) => _turns[request % Hundred * Stride % Hundred];

    /// <param name="text">As <see cref="Standard"/>: whole percentages that make a hundred.</param>
    /// <param name="why">What is wrong with it, where false.</param>
    public static bool TryParse(string text, out LoadMix mix, out string why)
    {
        mix = new LoadMix([]);
        why = "";
        var turns = new List<RequestKind>();
        var seen = new HashSet<RequestKind>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.Split('=') is not [var name, var number] || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var percent) || percent > Hundred)
                why = $"'{part}' is not such as check=80";
            else if (!char.IsAsciiLetter(name.FirstOrDefault()) || !Enum.TryParse<RequestKind>(name, ignoreCase: true, out var kind)) why = $"'{name}' is none of {Names}";
            else if (!seen.Add(kind)) why = $"'{name}' is there twice";
            else turns.AddRange(Enumerable.Repeat(kind, percent));
            if (why.Length > 0) return false;
        }

        if (turns.Count != Hundred) why = string.Create(CultureInfo.InvariantCulture, $"it makes {turns.Count} %, not 100 %");
        mix = new LoadMix([.. turns]);
        return why.Length == 0;
    }
}
