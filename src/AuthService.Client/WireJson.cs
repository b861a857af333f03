using System.Text.Json;
using System.Text.Json.Serialization;

namespace AuthService.Client;

/// <summary>How the wire records are written: names in snake case, unknown and repeated members refused, 32 levels at most.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    PropertyNameCaseInsensitive = false,
    NumberHandling = JsonNumberHandling.Strict,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(LoginRequest))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(TokenResponse))]
[JsonSerializable(typeof(ChangePasswordRequest))]
[JsonSerializable(typeof(ForgotPasswordRequest))]
[JsonSerializable(typeof(ResetPasswordRequest))]
[JsonSerializable(typeof(VerifyEmailRequest))]
[JsonSerializable(typeof(ResendVerificationRequest))]
[JsonSerializable(typeof(BootstrapRequest))]
[JsonSerializable(typeof(BootstrapResponse))]
[JsonSerializable(typeof(UserDetail))]
[JsonSerializable(typeof(Page<UserSummary>))]
[JsonSerializable(typeof(ExportedUser))]
[JsonSerializable(typeof(ChangeEvent))]
[JsonSerializable(typeof(Page<AuditEventInfo>))]
[JsonSerializable(typeof(DatabaseStatus))]
[JsonSerializable(typeof(SlowQueries))]
[JsonSerializable(typeof(IndexReport))]
[JsonSerializable(typeof(UpdateProfileRequest))]
[JsonSerializable(typeof(CreateUserRequest))]
[JsonSerializable(typeof(CreatedUser))]
[JsonSerializable(typeof(UpdateUserRequest))]
[JsonSerializable(typeof(BulkUsersRequest))]
[JsonSerializable(typeof(BulkUsersResponse))]
[JsonSerializable(typeof(IReadOnlyList<UserRole>))]
[JsonSerializable(typeof(RoleInfo))]
[JsonSerializable(typeof(Page<RoleInfo>))]
[JsonSerializable(typeof(CreateRoleRequest))]
[JsonSerializable(typeof(UpdateRoleRequest))]
[JsonSerializable(typeof(PermissionInfo))]
[JsonSerializable(typeof(Page<PermissionInfo>))]
[JsonSerializable(typeof(CreatePermissionRequest))]
[JsonSerializable(typeof(UpdatePermissionRequest))]
[JsonSerializable(typeof(Page<SessionInfo>))]
[JsonSerializable(typeof(CheckRequest))]
[JsonSerializable(typeof(CheckResponse))]
[JsonSerializable(typeof(BatchCheckRequest))]
[JsonSerializable(typeof(BatchCheckResponse))]
[JsonSerializable(typeof(RightsResponse))]
[JsonSerializable(typeof(SettingInfo))]
[JsonSerializable(typeof(PutSettingRequest))]
[JsonSerializable(typeof(InvalidateRequest))]
[JsonSerializable(typeof(ExplainRequest))]
[JsonSerializable(typeof(ExplainResponse))]
[JsonSerializable(typeof(CacheComparison))]
[JsonSerializable(typeof(CacheEntryView))]
[JsonSerializable(typeof(InspectRequest))]
[JsonSerializable(typeof(SolidCacheFigures))]
[JsonSerializable(typeof(CleanUpResult))]
[JsonSerializable(typeof(Page<JobInfo>))]
[JsonSerializable(typeof(RecurringJobs))]
[JsonSerializable(typeof(JobRequest))]
[JsonSerializable(typeof(JobResult))]
[JsonSerializable(typeof(CreatedResource))]
[JsonSerializable(typeof(ProblemBody))]
public sealed partial class WireJson : JsonSerializerContext;
