namespace AuthService.LoadTest;

/// <summary>A load at a fixed rate.</summary>
/// <param name="Rate">Requests due in a second.</param>
/// <param name="Duration">For how long requests become due.</param>
/// <param name="Connections">Requests under way at a time, at most; each has a connection of its own.</param>
/// <param name="Timeout">After it a request has failed; and so long after the last one was due, none is sent any more.</param>
internal sealed record LoadPlan(double Rate, TimeSpan Duration, int Connections, TimeSpan Timeout, LoadMix Mix)
{
    public long Requests => (long)Math.Round(Rate * Duration.TotalSeconds);
}
