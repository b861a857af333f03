using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AuthService.Client;
using IntegrationTests.SolidCache.Freshness;
using Npgsql;
using SolidCache.Freshness;

namespace IntegrationTests.Freshness;

/// <summary>What differs from run to run.</summary>
/// <param name="Doomed">Accounts there are to be deleted.</param>
/// <param name="DisabledAt">The place where parts of the protocol are switched off; null: everywhere.</param>
internal sealed record RunSetup(int Seed, double LeaseSeconds = 0.5, double RetentionSeconds = 5, Mechanisms Disabled = Mechanisms.None, int? DisabledAt = null, int Doomed = 60)
{
    /// <summary>How many processes there are.</summary>
    public int Places { get; init; } = 3;

    /// <summary>The Redis that all processes use; null: none.</summary>
    public string? Redis { get; init; }

    /// <summary>How long those who ask and those who change pause; more of it leaves the machine to others.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(20);
}

/// <summary>
/// A run: processes of the service, those who change rights and sessions through them, those who ask, and the judge. All that is asked and changed
/// goes through HTTP.
/// </summary>
internal sealed class FreshnessRun : IAsyncDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(80);
    private static readonly TimeSpan LastAttempts = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, long> _changes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _failures = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _unexpected = [];
    private readonly Questions[] _questions;
    private readonly List<Task> _loops = [];
    private int _chances;
    private long _stoppedAt;
    private string _administrator = "";

    private FreshnessRun(RunSetup setup, Population people, ServiceFleet fleet, NpgsqlDataSource db)
    {
        (Setup, People, Fleet, Db) = (setup, people, fleet, db);
        _questions = [.. fleet.Members.Select(member => new Questions(this, member.Place))];
    }

    public RunSetup Setup { get; }
    public Population People { get; }
    public ServiceFleet Fleet { get; }
    public Judge Judge { get; } = new();
    public Weather Weather { get; } = new();
    public Recent<RightSwitch> Rights { get; } = new(16);
    public Recent<SessionSwitch> Sessions { get; } = new(24);

    /// <summary>For what is done behind the service's back: faults, and changes made with SQL.</summary>
    public NpgsqlDataSource Db { get; }

    /// <summary>Token of an account that may ask about others.</summary>
    public string Reader { get; private set; } = "";

    public CancellationToken Stopping => _stop.Token;

    /// <summary>Changes that were answered, by kind.</summary>
    public IReadOnlyDictionary<string, long> Changes => _changes;

    /// <summary>What was no answer, by status.</summary>
    public IReadOnlyDictionary<string, long> Failures => _failures;

    /// <summary>Answers that nothing explains.</summary>
    public IReadOnlyCollection<string> Unexpected => _unexpected;

    /// <param name="connectionString">Of a database that nobody uses; it is migrated as far as it has to be.</param>
    public static async Task<FreshnessRun> StartAsync(string connectionString, RunSetup setup, CancellationToken ct)
    {
        var people = await Population.CreateAsync(connectionString, setup.Doomed, ct);
        var masterKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        var fleet = await ServiceFleet.StartAsync(
            setup.Places,
            place => new ServiceSetup(connectionString, masterKey, setup.LeaseSeconds, setup.RetentionSeconds, setup.DisabledAt is { } at && at != place ? Mechanisms.None : setup.Disabled, setup.Redis),
            ct);
        var run = new FreshnessRun(setup, people, fleet, NpgsqlDataSource.Create(connectionString + ";Pooling=false;Timeout=5;Command Timeout=15"));
        try
        {
            run._administrator = (await run.LogInAsync(Population.AdministratorEmail, run.NewChance()))!.AccessToken;
            run.Reader = (await run.LogInAsync(Population.ReaderEmail, run.NewChance()))!.AccessToken;
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    public Chance NewChance() => new((Setup.Seed * 1000) + Interlocked.Increment(ref _chances));

    /// <summary>Everybody begins: who asks at every place, and who changes.</summary>
    public void BeginLoad()
    {
        foreach (var questions in _questions) _loops.AddRange(questions.Begin());
        _loops.AddRange(new Writers(this).Begin());
    }

    public async Task ForAsync(double seconds, CancellationToken ct) => await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, ct);

    /// <summary>Everybody stops; what they have found.</summary>
    public async Task<Findings> EndAsync()
    {
        _stoppedAt = Stopwatch.GetTimestamp();
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
        return Judge.Findings;
    }

    /// <summary>T37: compares what every process has in memory with the database, which must stand still.</summary>
    /// <returns>How many accounts were compared, and how many of them differ.</returns>
    public async Task<(long Compared, long Different)> CompareAsync()
    {
        var (compared, different) = (0L, 0L);
        foreach (var member in Fleet.Members)
        {
            var reply = await AdministerAsync(member, HttpMethod.Post, "/admin/cache/verify");
            if (!IsCertain(reply, "compare", 200)) continue;
            var comparison = JsonSerializer.Deserialize(reply.Body, WireJson.Default.CacheComparison)!;
            (compared, different) = (compared + comparison.Compared, different + comparison.Different);
        }

        return (compared, different);
    }

    /// <summary>A change made by the administrator.</summary>
    public Task<Reply> AdministerAsync(Member member, HttpMethod method, string path) => member.SendAsync(method, path, _administrator);

    /// <summary>Puts or deletes a right, until somebody has said that it is done.</summary>
    public Task<bool> FlipAsync(RightSwitch right, bool on, Chance chance, Member? first = null) =>
        FlipAsync([right], on, chance, (member, _) => PutOrDeleteAsync(member, right, on), first);

    /// <summary>
    /// One change of one or more switches: a call that is made again, at one process or another, until an answer says that it is done. What is not
    /// done when the run ends stays open.
    /// </summary>
    /// <param name="attempt">Makes the call, the n-th time from 0 on; true: its answer is certain.</param>
    public async Task<bool> FlipAsync(IReadOnlyList<Switch> switches, bool on, Chance chance, Func<Member, int, Task<bool>> attempt, Member? first = null)
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var changed in switches) changed.Begin(on, start);
        return await FinishAsync(switches, chance, attempt, start, first);
    }

    /// <summary>The rest of a change that has begun: its first call may have been made, and nobody knows.</summary>
    public Task<bool> FinishAsync(RightSwitch right, Chance chance, Member? first = null) =>
        FinishAsync([right], chance, (member, _) => PutOrDeleteAsync(member, right, right.IsOn), start: null, first);

    /// <summary>Says that a change is done: from here on nobody may be told otherwise.</summary>
    public void Answered(IReadOnlyList<Switch> switches)
    {
        var end = Stopwatch.GetTimestamp();
        foreach (var changed in switches)
        {
            changed.End(end);
            if (changed is RightSwitch right) Rights.Add(right);
            else if (changed is SessionSwitch session) Sessions.Add(session);
            _changes.AddOrUpdate(changed.Kind, 1, static (_, count) => count + 1);
        }

        foreach (var questions in _questions) questions.Prompt(switches);
    }

    /// <summary>A log-in that must succeed in the end.</summary>
    /// <returns>Null: the run is over.</returns>
    public async Task<TokenResponse?> LogInAsync(string email, Chance chance)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new LoginRequest { Email = email, Password = Account.StandardPassword }, WireJson.Default.LoginRequest);
        for (var pause = ShortestPause; !IsOver; pause = Longer(pause))
        {
            var reply = await Fleet.Pick(chance).SendAsync(HttpMethod.Post, "/api/v1/auth/login", token: null, body);
            if (IsCertain(reply, "log-in", 200)) return JsonSerializer.Deserialize(reply.Body, WireJson.Default.TokenResponse);
            await Task.Delay(pause, TimeProvider.System, CancellationToken.None);
        }

        return null;
    }

    /// <summary>Whether an answer says what the caller wanted to hear. Anything that is neither that nor a failure is unexpected.</summary>
    public bool IsCertain(Reply reply, string what, params ReadOnlySpan<int> statuses)
    {
        if (statuses.Contains(reply.Status)) return true;
        if (reply.IsUnknown) Failed(reply);
        else NotExpected(reply, what);
        return false;
    }

    /// <summary>No answer.</summary>
    public void Failed(Reply reply) =>
        _failures.AddOrUpdate(reply.Status == 0 ? "connection lost" : reply.Status.ToString(CultureInfo.InvariantCulture), 1, static (_, count) => count + 1);

    public void NotExpected(Reply reply, string what) => _unexpected.Enqueue($"{what}: {reply.Status} {Encoding.UTF8.GetString(reply.Body)}");

    public async ValueTask DisposeAsync()
    {
        _stoppedAt = Stopwatch.GetTimestamp();
        await _stop.CancelAsync();
        await Fleet.DisposeAsync();
        // Who still waits for an answer has none now.
        await Task.WhenAll(_loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Db.DisposeAsync();
        _stop.Dispose();
    }

    private bool IsOver => Volatile.Read(ref _stoppedAt) is var at && at != 0 && Stopwatch.GetElapsedTime(at) > LastAttempts;

    private async Task<bool> FinishAsync(IReadOnlyList<Switch> switches, Chance chance, Func<Member, int, Task<bool>> attempt, long? start, Member? first)
    {
        var before = Weather.Now;
        var pause = ShortestPause;
        for (var number = 0; !IsOver; number++, pause = Longer(pause))
        {
            var member = number == 0 && first is not null ? first : Fleet.Pick(chance);
            if (!await attempt(member, number))
            {
                await Task.Delay(pause, TimeProvider.System, CancellationToken.None);
                continue;
            }

            if (number == 0 && start is { } began && switches is [RightSwitch { Kind: Population.RolesOfAccounts or Population.PermissionsOfRoles }])
                Weather.Took(before, Stopwatch.GetElapsedTime(began));
            Answered(switches);
            return true;
        }

        return false;
    }

    private async Task<bool> PutOrDeleteAsync(Member member, RightSwitch right, bool on) =>
        IsCertain(await AdministerAsync(member, on ? HttpMethod.Put : HttpMethod.Delete, right.Path), $"{(on ? "PUT" : "DELETE")} {right.Path}", 204);

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;
}

/// <summary>What was changed last, so that many ask for it.</summary>
internal sealed class Recent<T>(int size) where T : class
{
    private readonly T?[] _ring = new T?[size];
    private int _count;

    public void Add(T item) => Volatile.Write(ref _ring[(uint)Interlocked.Increment(ref _count) % size], item);

    public T? Pick(Chance chance) => Volatile.Read(ref _ring[chance.Next(size)]);
}
