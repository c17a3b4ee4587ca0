module bqvertex.invalid/bootstrap/scripts

go 1.25.0

require github.com/pulumi/pulumi/sdk/v3 v3.272.0
