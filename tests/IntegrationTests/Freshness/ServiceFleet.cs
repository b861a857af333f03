using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using IntegrationTests.SolidCache.Freshness;
using Npgsql;

namespace IntegrationTests.Freshness;

/// <summary>Processes of the service on one database, and what is done to them. A place is taken by one process after another.</summary>
internal sealed class ServiceFleet : IAsyncDisposable
{
    public const int Places = 3;

    private readonly Func<int, ServiceSetup> _setups;
    private readonly Member[] _members = new Member[Places];
    private readonly ConcurrentBag<Member> _all = [];
    private int _count;

    private ServiceFleet(Func<int, ServiceSetup> setups) => _setups = setups;

    /// <param name="setups">By place. The name under which each connects is put in here: it is by that that its connections are found.</param>
    public static async Task<ServiceFleet> StartAsync(Func<int, ServiceSetup> setups, CancellationToken ct)
    {
        var fleet = new ServiceFleet(setups);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Places).Select(place => fleet.AddAsync(place, ct)));
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>Its connections carry this as their application name.</summary>
    public static string NameOf(int place) => $"service-{place}";

    public Member At(int place) => Volatile.Read(ref _members[place]);

    /// <summary>One for a caller who goes where he is answered: not one that stands still or is dead, if there is another.</summary>
    public Member Pick(Chance chance, params Member[] without)
    {
        var first = chance.Next(Places);
        for (var i = 0; i < Places; i++)
        {
            var member = At((first + i) % Places);
            if (!member.IsAway && !without.Contains(member)) return member;
        }

        return At(first);
    }

    /// <summary>A process in a place that is empty, or whose process is gone.</summary>
    public async Task AddAsync(int place, CancellationToken ct)
    {
        var setup = _setups(place);
        var named = new NpgsqlConnectionStringBuilder(setup.ConnectionString) { ApplicationName = NameOf(place) }.ConnectionString;
        var process = Process.Start(new ProcessStartInfo("dotnet", ["exec", typeof(ServiceFleet).Assembly.Location, "service-node", JsonSerializer.Serialize(setup with { ConnectionString = named })])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_gcServer"] = "0", ["DOTNET_TieredPGO"] = "0" },
        })!;
        var member = new Member(Interlocked.Increment(ref _count) - 1, place, process);
        _all.Add(member);
        await member.UntilReadyAsync(ct);
        Volatile.Write(ref _members[place], member);
    }

    public async Task PauseAsync(Member member)
    {
        member.IsAway = true;
        await Signals.SendAsync(member.Process.Id, "STOP");
    }

    public async Task GoOnAsync(Member member)
    {
        await Signals.SendAsync(member.Process.Id, "CONT");
        member.IsAway = false;
    }

    public async Task KillAsync(Member member)
    {
        member.IsAway = true;
        member.Process.Kill();
        await member.Process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>As a deployment does it: the old one finishes what it has begun, the new one comes after.</summary>
    public async Task RestartAsync(Member member, CancellationToken ct)
    {
        member.IsAway = true;
        await member.Process.StandardInput.WriteLineAsync("stop".AsMemory(), ct);
        await member.Process.StandardInput.FlushAsync(ct);
        await member.Process.WaitForExitAsync(ct);
        await AddAsync(member.Place, ct);
    }

    /// <summary>What the processes have logged last: errors alone.</summary>
    public string Log => string.Join('\n', _all.OrderBy(m => m.Number).SelectMany(m => m.Log));

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _all)
        {
            if (!member.Process.HasExited) member.Process.Kill();
            await member.Process.WaitForExitAsync(CancellationToken.None);
            member.Dispose();
        }
    }
}

/// <summary>What a process answered. Status 0: nothing, and nobody can say what it did.</summary>
internal readonly record struct Reply(int Status, byte[] Body)
{
    public static readonly Reply None = new(0, []);

    public bool IsUnknown => Status is 0 or >= 500;
}

/// <summary>One process of the service, as its clients see it.</summary>
internal sealed class Member : IDisposable
{
    // Longer than any process stands still: a call that was given up could still happen later, and nothing could be judged any more.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(150);
    private const int LogLines = 60;

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false }) { Timeout = Limit };
    private readonly ConcurrentQueue<string> _log = [];

    public Member(int number, int place, Process process)
    {
        (Number, Place, Process) = (number, place, process);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) return;
            _log.Enqueue($"[{number}] {line.Data}");
            if (_log.Count > LogLines) _log.TryDequeue(out var _);
        };
        process.BeginErrorReadLine();
    }

    /// <summary>No other process of the run has it.</summary>
    public int Number { get; }

    public int Place { get; }

    public Process Process { get; }

    /// <summary>Stands still or is dead; writers go elsewhere.</summary>
    public bool IsAway
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    public IEnumerable<string> Log => _log;

    public async Task UntilReadyAsync(CancellationToken ct)
    {
        var said = await Process.StandardOutput.ReadLineAsync(ct);
        if (said?.StartsWith("http", StringComparison.Ordinal) != true) throw new InvalidOperationException($"The service did not start: {said}\n{string.Join('\n', _log)}");
        _http.BaseAddress = new Uri(said);
    }

    /// <param name="json">Null: no body.</param>
    /// <returns><see cref="Reply.None"/> where the connection broke.</returns>
    public async Task<Reply> SendAsync(HttpMethod method, string path, string? token, byte[]? json = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (json is not null) request.Content = new ByteArrayContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var answer = await _http.SendAsync(request, CancellationToken.None);
            return new Reply((int)answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(CancellationToken.None));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return Reply.None;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        Process.Dispose();
    }
}
