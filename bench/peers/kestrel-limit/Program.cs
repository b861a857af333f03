// The web server alone: a route and a constant. No answer over HTTP on this machine can be had more cheaply.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();

var app = builder.Build();
app.MapGet("/", () => Results.Text("""{"allowed":true}""", "application/json"));
app.Run();
