using System.ComponentModel.DataAnnotations;
using AuthService.Client;
using AuthService.Features.Authentication;

namespace UnitTests.Features.Authentication;

public class RefreshFormTests
{
    // Change the limit here or in the record's attributes, and these part.
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" \t\u00a0")]
    [InlineData("x")]
    [InlineData("rt1_", 96)]
    [InlineData("a", 256)]
    [InlineData("a", 257)]
    public void A_form_is_valid_as_its_attributes_say(string? token, int length = 0)
    {
        var request = new RefreshRequest { RefreshToken = token?.PadRight(length, 'a')! };
        var expected = Validator.TryValidateObject(request, new ValidationContext(request), null, validateAllProperties: true);
        Assert.Equal((expected, expected), (RefreshForm.IsValid(request), RefreshForm.ProblemOf(request) is null));
        if (!expected) Assert.Equal("/refresh_token", Assert.Single(RefreshForm.ProblemOf(request)!.Errors).Pointer);
    }

    // A member that comes later has to be looked at here, too.
    [Fact]
    public void Every_member_is_looked_at() =>
        Assert.Equal(["RefreshToken"], typeof(RefreshRequest).GetProperties().Select(p => p.Name).Where(n => n != "EqualityContract"));
}
