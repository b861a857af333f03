namespace AuthService.Features.Authentication;

/// <summary>Who may make an account. Section <c>Registration</c>.</summary>
internal sealed class RegistrationOptions
{
    /// <summary>Whether anybody may register; default true. False: accounts are made by administrators only.</summary>
    public bool Enabled { get; set; } = true;
}
