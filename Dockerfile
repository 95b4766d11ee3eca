# The backend as an image: one static binary, no shell, not root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /mailbackend ./cmd/mailbackend

FROM gcr.io/distroless/static:nonroot
COPY --from=build /mailbackend /mailbackend
USER 65532:65532
ENTRYPOINT ["/mailbackend"]
CMD ["serve", "--config", "/etc/mailbackend/config.yaml"]
