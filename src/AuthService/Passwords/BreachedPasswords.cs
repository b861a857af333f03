using System.Buffers;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using AuthService.Http;
using AuthService.Outbound;

namespace AuthService.Passwords;

/// <summary>
/// Asks a service whether a password that is to be set is among those stolen elsewhere, by the first five hexadecimal digits of its SHA-1: the service answers with all it
/// knows that begin so, and learns neither the password nor whether it was among them. Without an answer within a second the password is taken: what others
/// have to say may not decide whether people can set a password at all.
/// </summary>
internal sealed partial class BreachedPasswords : IDisposable
{
    /// <summary>Ranges had some 40 KiB in 2024 and grow.</summary>
    private const int MaxAnswerBytes = 256 * 1024;

    private const int PrefixLength = 5;
    private const int RestLength = 35;
    private const int MaxRanges = 32;
    private const string Purpose = "breached_passwords";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RangeLifetime = TimeSpan.FromHours(1);
    private static readonly KeyValuePair<string, string>[] Headers = [new("Add-Padding", "true")];   // all answers are about as long: who sees their length learns nothing of the range

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789ABCDEFabcdef"u8);

    private readonly Uri? _url;
    private readonly OutboundHttp _http;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Meter _meter = new("AuthService");
    private readonly Counter<long> _looks;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (byte[] Text, long ReadAt)> _ranges = new(StringComparer.Ordinal);
    private int _isFailing;

    public BreachedPasswords(PasswordOptions options, OutboundHttp http, TimeProvider clock, ILogger<BreachedPasswords> logger)
    {
        (_http, _clock, _logger) = (http, clock, logger);
        _url = options.BreachedUrl == "none" ? null : new Uri(options.BreachedUrl.TrimEnd('/') + "/");
        _looks = _meter.CreateCounter<long>("authservice.passwords.breach_checks", "{check}", "New passwords that were looked for among stolen ones: found, not found, or not known for want of an answer.");
    }

    /// <param name="pointer">JSON pointer of the member that carries it, for the error.</param>
    /// <returns>Null: it isn't among them, or nobody can say.</returns>
    public async Task<Problem?> RefuseAsync(string password, string pointer, CancellationToken ct)
    {
        if (_url is null) return null;
        var isBreached = await IsBreachedAsync(password, ct);
        _looks.Add(1, new KeyValuePair<string, object?>("outcome", isBreached switch { true => "found", false => "not_found", null => "not_known" }));
        if (isBreached is not true) return null;
        return HttpProblems.Invalid with { Errors = [new FieldError(pointer, "passwords.breached", "This password was stolen elsewhere and is in the lists attackers try.")] };
    }

    public void Dispose() => _meter.Dispose();

    private async Task<bool?> IsBreachedAsync(string password, CancellationToken ct)
    {
#pragma warning disable CA5350 // What these lists are made of. It protects nothing here.
        var digits = Convert.ToHexString(SHA1.HashData(Encoding.UTF8.GetBytes(password)));
#pragma warning restore CA5350
        var (prefix, rest) = (digits[..PrefixLength], digits[PrefixLength..]);
        try
        {
            var isFound = IsIn(Kept(prefix) ?? await AskAsync(prefix, ct), rest);
            if (Interlocked.Exchange(ref _isFailing, 0) == 1) LogWell();
            return isFound;
        }
        catch (Exception e) when (e is OutboundFailedException or FormatException)
        {
            if (Interlocked.Exchange(ref _isFailing, 1) == 0) LogFailing(e.Message);   // once, however long it is away
            return null;
        }
    }

    private byte[]? Kept(string prefix)
    {
        lock (_lock) return _ranges.TryGetValue(prefix, out var range) && _clock.GetElapsedTime(range.ReadAt) < RangeLifetime ? range.Text : null;
    }

    private async Task<byte[]> AskAsync(string prefix, CancellationToken ct)
    {
        var request = new OutboundRequest(Purpose, HttpMethod.Get, new Uri(_url!, prefix)) { Headers = Headers, MayRepeat = true, MaxAnswerBytes = MaxAnswerBytes, Timeout = Limit };
        var answer = await _http.SendAsync(request, ct);
        if (answer.Status != 200) throw new FormatException($"No answer: {OutboundMetrics.NameOf(answer.Status)}.");
        IsIn(answer.Body, new string('0', RestLength));   // what can't be read isn't kept
        lock (_lock)
        {
            if (_ranges.Count >= MaxRanges && !_ranges.ContainsKey(prefix)) _ranges.Remove(_ranges.MinBy(r => r.Value.ReadAt).Key);
            _ranges[prefix] = (answer.Body, _clock.GetTimestamp());
        }

        return answer.Body;
    }

    /// <param name="range">Lines of 35 hexadecimal digits, a colon, and how often; 0 stands for a line that only fills up.</param>
    /// <exception cref="FormatException">It isn't.</exception>
    private static bool IsIn(ReadOnlySpan<byte> range, string rest)
    {
        var isFound = false;
        foreach (var part in range.Split((byte)'\n'))
        {
            var line = range[part].TrimEnd((byte)'\r');
            if (line.IsEmpty) continue;
            if (line.Length < RestLength + 2 || line[RestLength] != ':' || line[..RestLength].ContainsAnyExcept(HexDigits)
                || line[(RestLength + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            {
                throw new FormatException("No answer: not a range.");
            }

            if (line[(RestLength + 1)..].ContainsAnyExcept((byte)'0') && Ascii.EqualsIgnoreCase(line[..RestLength], rest)) isFound = true;
        }

        return isFound;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "It can't be asked whether passwords were stolen elsewhere. New ones are taken without. {Reason}")]
    private partial void LogFailing(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "It can be asked again whether passwords were stolen elsewhere")]
    private partial void LogWell();
}
