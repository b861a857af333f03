namespace AuthService.Verification;

/// <summary>One thing that was looked at.</summary>
/// <param name="Seen">For a person: what was found, or why it failed.</param>
/// <param name="IsAdvice">Nothing depends on it: where it is not good, that is a warning and no failure.</param>
internal sealed record Check(string Name, bool IsGood, string Seen, bool IsAdvice = false)
{
    public bool HasFailed => !IsGood && !IsAdvice;

    /// <summary>A look that throws has failed, and the exception's message says why.</summary>
    public static async Task<Check> OfAsync(string name, Func<CancellationToken, Task<(bool IsGood, string Seen)>> look, CancellationToken ct)
    {
        try
        {
            var (isGood, seen) = await look(ct);
            return new Check(name, isGood, seen);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            return new Check(name, IsGood: false, e.Message);
        }
    }
}
