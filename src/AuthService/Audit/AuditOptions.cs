using System.ComponentModel.DataAnnotations;

namespace AuthService.Audit;

/// <summary>The audit trail. Section <c>Audit</c>.</summary>
internal sealed class AuditOptions
{
    /// <summary>Events of log-ins, refreshes and refusals that may wait in memory while PostgreSQL can't take them, some hundred bytes each; more are lost and counted.
    /// 1,000 to 10,000,000; default 50,000.</summary>
    [Range(1_000, 10_000_000)]
    public int BufferSize { get; set; } = 50_000;
}
