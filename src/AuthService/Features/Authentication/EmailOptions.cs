namespace AuthService.Features.Authentication;

/// <summary>What an address must have been through. Section <c>Email</c>.</summary>
internal sealed class EmailOptions
{
    /// <summary>Whether an account may sign in only once its address was verified; default false.</summary>
    public bool RequireVerified { get; set; }
}
