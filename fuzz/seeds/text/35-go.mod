app/go.mod
module example.org/app

go 1.21

require (
	aa v1.22.333
	bb v4.55.666 // indirect
)
