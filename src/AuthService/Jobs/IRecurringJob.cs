namespace AuthService.Jobs;

/// <summary>Work that comes again and again, on one node at a time. A run that fails is not tried again before its next turn.</summary>
internal interface IRecurringJob
{
    /// <summary>Stands in the table, in metrics and in <c>POST /admin/jobs</c>: lower case with underscores.</summary>
    string Name { get; }

    /// <summary>From the beginning of one run to that of the next; at least a minute.</summary>
    TimeSpan Interval { get; }

    /// <param name="progress">Takes lines such as <c>12,000 deleted</c>; the last one is shown while the run goes on.</param>
    /// <param name="ct">Ends at <see cref="JobOptions.TimeLimit"/> and when the node stops.</param>
    /// <returns>What it came to, in a line.</returns>
    Task<string> RunAsync(IProgress<string> progress, CancellationToken ct);
}
