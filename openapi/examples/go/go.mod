module example.com/fanin/example

go 1.23

require example.com/fanin/sdk v0.0.0

replace example.com/fanin/sdk => ../../sdk/go
