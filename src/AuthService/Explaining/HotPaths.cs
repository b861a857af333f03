namespace AuthService.Explaining;

/// <summary>What every request or every log-in waits for. A flag on one of these is a defect; elsewhere it may be the price of a rare call.</summary>
internal static class HotPaths
{
    public static readonly IReadOnlySet<string> Statements = new HashSet<string>(StringComparer.Ordinal)
    {
        // Log-in.
        "Authentication/LogIn.find_user", "Sessions/StartSession.touch_user", "Sessions/StartSession.end_surplus", "Sessions/StartSession.insert_session",
        // Refresh.
        "Sessions/RefreshSession.rotate", "Sessions/RefreshSession.find_session", "Sessions/RefreshSession.end_reused",
        // Whether a session lives, who may do what, whether a key is trusted.
        "Sessions/LiveSessions.find_sessions", "Authorization/Rights.load_role_ids", "Authorization/RoleCatalogue.load_roles", "Tokens/VerifiedTokens.is_trusted",
        // Log-out, one's own profile and sessions.
        "Sessions/EndSessions.end_one", "Sessions/EndSessions.end_all", "Sessions/EndSessions.move_version", "Sessions/ListSessions.list_sessions", "Users/GetUser.find_user",
        // What goes on all the time, whoever asks.
        "Audit/AuditTrail.insert_events", "Health/DatabaseLook.read_version",
        "SolidCache/Freshness/InvalidationPoll.poll", "SolidCache/Freshness/InvalidationPoll.heartbeat", "SolidCache/Freshness/NodeBarrier.read_nodes",
        "SolidCache/Freshness/TagVersions.bump", "SolidCache/Freshness/TagVersions.read", "SolidCache/Freshness/TagVersions.read_own",
        "SolidCache/Postgres/PostgresStore.read", "SolidCache/Postgres/PostgresStore.read_tagged", "SolidCache/Postgres/PostgresStore.write", "SolidCache/Postgres/PostgresStore.touch",
    };
}
