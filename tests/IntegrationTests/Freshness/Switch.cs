namespace IntegrationTests.Freshness;

/// <summary>One change of a switch: from the start of its first call to the first answer that made it certain.</summary>
/// <param name="End"><see cref="NotYet"/>: nobody can say so far; it may have happened at any time since its start.</param>
internal readonly record struct Flip(long Start, long End, bool IsOn)
{
    public const long NotYet = long.MaxValue;
}

/// <summary>
/// Something that is on or off, and what was done to it: a right of an account, a permission in a role, an account, a session. It has one
/// writer, who makes one change after another and repeats a call until its outcome is certain: so what it must be at a moment is never in doubt
/// outside of a change.
/// </summary>
/// <param name="kind">For counting.</param>
/// <param name="isOn">Before the first change.</param>
internal class Switch(string kind, string name, bool isOn)
{
    private readonly bool _wasOn = isOn;
    private readonly Lock _lock = new();
    private readonly List<Flip> _flips = [];

    public string Kind => kind;
    public string Name => name;

    /// <summary>What the last change that was begun makes of it. Only its writer may go by this.</summary>
    public bool IsOn { get; private set; } = isOn;

    /// <summary>Call it before the first byte is sent.</summary>
    public void Begin(bool on, long at)
    {
        lock (_lock)
        {
            if (_flips is [.., { End: Flip.NotYet }]) throw new InvalidOperationException($"{name} is being changed already.");
            _flips.Add(new Flip(at, Flip.NotYet, on));
            IsOn = on;
        }
    }

    /// <summary>Call it when the answer has come.</summary>
    public void End(long at)
    {
        lock (_lock) _flips[^1] = _flips[^1] with { End = at };
    }

    /// <summary>What it was for certain when a question began, since which change (null: since ever), and the change after that, if one has begun.</summary>
    public (bool IsOn, Flip? Last, Flip? Next) At(long start)
    {
        lock (_lock)
        {
            var last = _flips.Count - 1;
            while (last >= 0 && _flips[last].End >= start) last--;   // questions are about what has just happened
            Flip? next = last + 1 < _flips.Count ? _flips[last + 1] : null;
            return last >= 0 ? (_flips[last].IsOn, _flips[last], next) : (_wasOn, null, next);
        }
    }

    public override string ToString() => $"{kind} {name}";
}

/// <summary>A right: on while each of its holders has the permission.</summary>
/// <param name="path">What is put or deleted to change it; for an account, the account.</param>
/// <param name="holders">Numbers of accounts. What else they need to have the permission never changes.</param>
internal sealed class RightSwitch(string kind, string name, bool isOn, string permission, string path, params long[] holders) : Switch(kind, name, isOn)
{
    public string Permission => permission;
    public string Path => path;
    public IReadOnlyList<long> Holders => holders;
}

/// <summary>A session: on from its log-in until it is ended.</summary>
internal sealed class SessionSwitch(Guid id, Person owner, string accessToken, string refreshToken) : Switch("sessions", $"{id} of {owner.Name}", isOn: false)
{
    public Guid Id => id;
    public Person Owner => owner;
    public string RefreshToken => refreshToken;

    /// <summary>The newest that anybody was given; older ones say the same of the session.</summary>
    public string AccessToken { get; set; } = accessToken;
}

/// <summary>An account that signs in.</summary>
/// <param name="Right">What its sessions ask for.</param>
internal sealed record Person(long Id, string Name, RightSwitch Right)
{
    public string Email => Name + "@example.com";
}
